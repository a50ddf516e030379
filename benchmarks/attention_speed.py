"""How long does attention take for a CT, file to file?

Run: python benchmarks/attention_speed.py [--quick | --page].

One core, three networks, nine organs, 512 x 512 x 300 voxels. `published`: ours, as `omentum attention` does
it; other: nibabel and scipy on whole volumes (`published_attention.py`). Both read the same tree
(`made_opinions.py`) and write the same maps and lists, which is checked; each run is a process of its own, so
that its peak memory is its own. `expected-error`: ours from our own files (`expected_attention.py`). A full
run writes its table and picture into docs/attention-published.md; `--page` does that alone, from the figures
on file.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from attention.page import tell_speed
from measure import on_file, report

SHAPES = {True: (256, 256, 75), False: (512, 512, 300)}
SPACING_MM = {True: (1.5, 1.5, 6.0), False: (0.75, 0.75, 1.5)}
TIMES = 5
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024

Row = dict[str, float | None]
"""Median seconds of ours and of the other, and the peaks in GB."""


def main(quick: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, figures = {}, {}
        rows["published"], figures["published"] = published(folder, quick)
        rows["expected-error"], figures["expected-error"] = expected(folder / "expected", quick)
    print(f"{'recipe':16} {'ours, s':>9} {'other, s':>9} {'ratio':>7} {'ours, GB':>9} {'other, GB':>9}")
    for recipe, row in rows.items():
        print(f"{recipe:16} {_cell(row['ours']):>9} {_cell(row['other']):>9} {_ratio(row):>7}"
              f" {_cell(row['ours_gb']):>9} {_cell(row['other_gb']):>9}")  # fmt: skip
    first = rows["published"]
    found = {
        "shape": SHAPES[quick],
        "spacing_mm": SPACING_MM[quick],
        "cores": 1,
        "rows": rows,
        **figures,
    }
    report("attention_speed", ours=first["ours"], other=first["other"], unit="s", quick=quick, **found)
    if not quick:
        tell_speed(found)


def published(folder: Path, quick: bool) -> tuple[Row, dict[str, object]]:
    """Time recipe `published` on both sides, and compare what they wrote."""
    tree = folder / "tree"
    maker = multiprocessing.get_context("spawn").Process(target=_make_tree, args=(tree, quick))
    maker.start()
    maker.join()
    ours = [timed("ours", tree, folder / f"ours-{k}") for k in range(TIMES)]
    other = [timed("other", tree, folder / "other")]
    n_files = _check_equal(folder / "ours-0", folder / "other")
    row = {"ours": _median(ours), "other": _median(other), "ours_gb": _peak(ours), "other_gb": _peak(other)}
    files = [path.stat().st_size for path in tree.rglob("*.nii.gz")]
    told = {
        "runs": {"ours": [one["seconds"] for one in ours], "other": [one["seconds"] for one in other]},
        "attention_voxels": ours[0]["voxels"],
        "equal_maps": n_files,
        "files_read": len(files),
        "tree_mb": round(sum(files) / 1e6, 1),
    }
    return row, told


def expected(folder: Path, quick: bool) -> tuple[Row, dict[str, object]]:
    """Time recipe `expected-error` on a CT of that size with three networks, reading and writing included."""
    folder.mkdir()
    script = Path(__file__).with_name("expected_attention.py")
    grid = [str(one) for one in (*SHAPES[quick], *SPACING_MM[quick])]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def run(side: str) -> str:
        command = [sys.executable, str(script), side, str(folder), *grid]
        return subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True).stdout

    run("make")
    runs = [json.loads(run("score")) for _ in range(TIMES)]
    row = {"ours": _median(runs), "other": None, "ours_gb": _peak(runs), "other_gb": None}
    return row, {"runs": [round(one["seconds"], 3) for one in runs], "hot_spots": runs[0]["spots"]}


def timed(side: str, tree: Path, out: Path) -> dict[str, float]:
    """Run one side in a process of its own, on one core; its seconds leave imports out."""
    command = [sys.executable, __file__, "--side", side, str(tree), str(out)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, env={**os.environ, **one_thread}, stdout=subprocess.PIPE) as process:
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(told), "peak_gb": used.ru_maxrss * _RSS_BYTES / 1e9}


def _run_side(side: str, tree: Path, out: Path) -> None:
    """Do one side's work in this process, and print what it took."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = _ours() if side == "ours" else _other()
    started = time.perf_counter()
    voxels = work(tree, out)
    print(json.dumps({"seconds": round(time.perf_counter() - started, 3), "voxels": voxels}))


def _ours() -> Callable[[Path, Path], int]:
    from made_opinions import NETWORKS
    from omentum.abdomenatlas.tree import PublishedTree
    from omentum.score.published_tree import attend_case, write_lists

    def work(tree: Path, out: Path) -> int:
        score = attend_case(PublishedTree(root=tree, networks=NETWORKS), "case", out)
        write_lists(out, [score])
        return int(score.voxels.score)

    return work


def _other() -> Callable[[Path, Path], int]:
    from made_opinions import NETWORKS
    from omentum.volumes.labels import ORGANS
    from published_attention import attend

    organs = [row.published_name for row in ORGANS if row.target]
    overlap = [row.published_name for row in ORGANS if row.overlap]
    return lambda tree, out: attend(tree / "case", out, NETWORKS, organs, overlap)


def _make_tree(tree: Path, quick: bool) -> None:
    from made_opinions import make_tree

    make_tree(tree, SHAPES[quick], SPACING_MM[quick])


def _check_equal(ours: Path, other: Path) -> int:
    """Compare every map voxel for voxel and both lists byte for byte; give how many maps there are."""
    maps = sorted(path.relative_to(other) for path in other.rglob("*.nii.gz"))
    assert maps == sorted(path.relative_to(ours) for path in ours.rglob("*.nii.gz"))
    for path in maps:
        a, b = nib.load(ours / path), nib.load(other / path)
        assert a.get_data_dtype() == b.get_data_dtype() == np.uint8, path
        assert np.array_equal(a.affine, b.affine), path
        assert np.array_equal(np.asarray(a.dataobj), np.asarray(b.dataobj)), path
    for name in ("priority.csv", "attention_size.csv"):
        assert (ours / name).read_bytes() == (other / name).read_bytes(), name
    return len(maps)


def _median(runs: list[dict[str, float]]) -> float:
    return round(statistics.median(one["seconds"] for one in runs), 3)


def _peak(runs: list[dict[str, float]]) -> float:
    return round(max(one["peak_gb"] for one in runs), 3)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _ratio(row: Row) -> str:
    return "-" if row["other"] is None else f"{row['other'] / row['ours']:.1f}"


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true")
    options.add_argument("--page", action="store_true", help="write the docs from the figures on file")
    options.add_argument("--side", choices=("ours", "other"), help=argparse.SUPPRESS)
    options.add_argument("folders", nargs="*", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.side:
        _run_side(given.side, *given.folders)
    elif given.page:
        tell_speed(on_file("attention_speed"))
    else:
        main(given.quick)
