"""How long does attention take for a CT, file to file? Run: python benchmarks/attention_speed.py [--quick].

One core, three networks, nine organs, 512 x 512 x 300 voxels. `published`: ours, as `omentum attention` does
it; other: nibabel and scipy on whole volumes (`attention/plain.py`). Both read the same tree
(`attention/opinions.py`) and write the same maps and lists, which is checked; each run is a process of its
own, so that its peak memory is its own. `expected-error`: ours from our own files (`attention/expected.py`).
A full run writes its table into docs/attention-published.md.
"""

import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from attention.expected import make_files, score_expected
from attention.opinions import NETWORKS, make_tree
from attention.plain import attend_plainly
from measure import Taken, alone, asked, options, report
from omentum.abdomenatlas.tree import PublishedTree
from omentum.score.published_tree import attend_case, write_lists
from page import DOCS, put_into, table

TIMES = 5


def main(quick: bool) -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    grid = ((256, 256, 75), (1.5, 1.5, 6.0)) if quick else ((512, 512, 300), (0.75, 0.75, 1.5))
    with tempfile.TemporaryDirectory() as name:
        tree, files = Path(name) / "tree", Path(name) / "files"
        alone(make_tree, tree, *grid)
        ours = [alone(attend, tree, tree.with_name(f"ours-{k}")) for k in range(TIMES)]
        other = [alone(attend_plainly, tree / "case", tree.with_name("other"), NETWORKS)]
        n_maps = _check_equal(tree.with_name("ours-0"), tree.with_name("other"))
        sizes = [path.stat().st_size for path in tree.rglob("*.nii.gz")]
        records = alone(make_files, files, *grid).value
        expected = [alone(score_expected, *records, files / "attention") for _ in range(TIMES)]
    sides = {
        "`published`, by nibabel and scipy on whole volumes": other,
        "`published`, ours: equal in every voxel and digit": ours,
        "`expected-error`, from our own files": expected,
    }
    rows = [[side, f"{_median(runs):.3g}", f"{_peak(runs):.2f} GB"] for side, runs in sides.items()]
    text = table([["", "seconds", "peak memory"], *rows])
    print(text)
    if not quick:
        put_into(DOCS / "attention-published.md", "attention_speed", text)
    report(
        "attention_speed",
        ours=_median(ours),
        other=_median(other),
        unit="s",
        quick=quick,
        shape=grid[0],
        spacing_mm=grid[1],
        cores=1,
        peak_gb={"ours": _peak(ours), "other": _peak(other)},
        seconds={"ours": [one.seconds for one in ours], "other": other[0].seconds},
        attention_voxels=ours[0].value,
        equal_maps=n_maps,
        files_read=len(sizes),
        tree_mb=round(sum(sizes) / 1e6, 1),
        expected_error={
            "seconds": _median(expected),
            "peak_gb": _peak(expected),
            "hot_spots": expected[0].value,
        },
    )


def attend(tree: Path, out: Path) -> int:
    """Score the tree as `omentum attention` does; give the voxels of the score."""
    score = attend_case(PublishedTree(root=tree, networks=NETWORKS), "case", out)
    write_lists(out, [score])
    return int(score.voxels.score)


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


def _median(runs: Sequence[Taken]) -> float:
    return round(statistics.median(one.seconds for one in runs), 3)


def _peak(runs: Sequence[Taken]) -> float:
    return round(max(one.peak_gb for one in runs), 3)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
