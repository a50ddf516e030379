"""How many bytes do the files of a case take? Run: python benchmarks/case_costs.py [--quick] [--write].

A project with one synthetic CT of 512 x 512 x 300 voxels is predicted by the starter and scored. `--write`
keeps the sizes, with the seconds of the results of starter_speed.py, predict_speed.py and attention_speed.py,
in the table by which `omentum plan` answers where a project has measured nothing.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from measure import asked, options, report
from omentum import loop
from omentum.phantoms.phantom import make_phantom
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.nifti import write_nifti
from page import table

HERE = Path(__file__).parent
TABLE = HERE.parent / "src" / "omentum" / "project" / "shipped_costs.json"
NETWORK = "starter"
PROBABILITIES = "probabilities.zarr.zip"


def main(quick: bool, write: bool) -> None:
    grid = ((128, 128, 75), (3.2, 3.2, 6.0)) if quick else ((512, 512, 300), (0.8, 0.8, 1.5))
    sizes = sizes_of(*grid)
    print(table([["files", "MB"], *([kind, f"{size / 1e6:.2f}"] for kind, size in sizes.items())]))
    if write:
        TABLE.write_text(json.dumps(shipped(sizes), indent=1) + "\n", encoding="utf-8")
    total_mb = sum(sizes.values()) / 1e6
    report(
        "case_costs", ours=total_mb, other=None, unit="MB a case", quick=quick, shape=grid[0], n_bytes=sizes
    )


def sizes_of(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> dict[str, int]:
    """Make a project of one case, predict and score it; give the bytes of each kind of files."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "atlas"
        os.environ["OMENTUM_HOME"] = str(Path(name) / "home")
        write_nifti(Path(name) / "case.nii.gz", make_phantom(7, shape=shape, spacing_mm=spacing_mm).ct)
        begin_project(root, Settings(networks=(NETWORK,)))
        with opened(root) as project:
            loop.add_cases(project, [Path(name) / "case.nii.gz"])
            loop.predict(project)
            loop.score(project)
            prediction = project.predictions(NETWORK)["case"]
            attention = project.folder.attention_dir("case")
            ct_path = project.store.cases.get("case").ct_path
        made = _bytes_in(prediction.folder)
        probabilities = prediction.probabilities_path.stat().st_size
        return {
            "CT": ct_path.stat().st_size,
            "masks": made - probabilities,
            "probabilities": probabilities,
            "attention": _bytes_in(attention),
        }


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def shipped(sizes: dict[str, int]) -> dict[str, Any]:
    """Join the sizes with the seconds of other results; of published networks no size is measured."""
    starter, published = _of_network("starter_speed"), _of_network("predict_speed")
    return {
        "networks": {
            NETWORK: {**starter, "bytes": {kind: sizes[kind] for kind in ("masks", "probabilities")}},
            "starter-second": {
                **starter,
                "bytes": {kind: sizes[kind] for kind in ("masks", "probabilities")},
            },
            "universal-unet": {**published, "bytes": {}},
        },
        "bytes": {kind: sizes[kind] for kind in ("CT", "attention")},
        "scores": {
            name: {**_about("attention_speed"), "seconds": seconds}
            for name, seconds in _score_seconds().items()
        },
    }


def _of_network(name: str) -> dict[str, Any]:
    seconds = _result(name)["figures"]["seconds"]["ours"]
    compute = sum(seconds[step] for step in ("resample", "forward", "masks"))
    steps = {"read": seconds["read"], "compute": round(compute, 3), "write": seconds["write"]}
    return {**_about(name), "seconds": steps}


def _score_seconds() -> dict[str, float]:
    return {scoring: row["ours"] for scoring, row in _result("attention_speed")["figures"]["rows"].items()}


def _about(name: str) -> dict[str, Any]:
    found = _result(name)
    machine = found["machine"].partition(",")[0]
    return {"machine": machine, "shape": found["figures"]["shape"], "command": f"benchmarks/{name}.py"}


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    given = asked(options(__doc__, write="keep the table by which `omentum plan` answers"))
    main(given.quick, given.write)
