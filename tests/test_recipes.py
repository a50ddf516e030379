"""Each recipe of CONTRIBUTING adds what it says, by one new file and one line in a registry at most."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```(json|python|diff)\n# (\S+)\n(.*?)```", re.DOTALL)
LIVER = np.s_[4:20, 4:20, 4:20]


class Copy:
    """A copy of the package with one recipe applied."""

    def __init__(self, root, recipe):
        self.root = root
        shutil.copytree(
            ROOT / "src/omentum",
            root / "src/omentum",
            ignore=shutil.ignore_patterns("shipped"),  # what is compiled comes along
        )
        (root / "src/omentum/networks/shipped").symlink_to(ROOT / "src/omentum/networks/shipped")
        for name in ("conformance", "fixtures"):
            shutil.copytree(ROOT / "tests" / name, root / "tests" / name)
        shutil.copy(ROOT / "tests/conftest.py", root / "tests/conftest.py")
        text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        section = text.partition(f"\n### {recipe}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
        self.blocks = BLOCK.findall(section)
        for kind, name, content in self.blocks:
            if kind == "diff":
                _add_lines(root / name, content)
            else:
                assert not (root / name).exists()
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(content, encoding="utf-8")

    def run(self, *words):
        """Run Python on the copy; gives what it prints."""
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(self.root / name) for name in ("src", "tests")),
            "OMENTUM_HOME": str(self.root / "home"),
        }
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def omentum(self, *words):
        """Run the command line of the copy."""
        return self.run("-m", "omentum", *map(str, words))


def _add_lines(path, content):
    """Put each line with `+` below the line before it, which the file has once."""
    lines, before = path.read_text(encoding="utf-8").splitlines(), ""
    for line in content.splitlines():
        if line.startswith("+"):
            assert lines.count(before) == 1, f"{path}: {before!r}"
            lines.insert(lines.index(before) + 1, line[1:])
        before = line[1:]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def after(tmp_path):
    """Function: the title of a recipe to a copy of the package to which it is applied."""
    return lambda recipe: Copy(tmp_path / "copy", recipe)


@pytest.fixture
def ct(tmp_path):
    """A folder with `ct.nii.gz`, and `labels.nii.gz` with a cube of liver."""
    geometry = Geometry((24, 24, 24), np.diag([3.0, 3.0, 3.0, 1.0]))
    hu = np.random.default_rng(0).normal(40, 20, geometry.shape).astype(np.int16)
    hu[:2] = -1000
    labels = np.zeros(geometry.shape, dtype=np.uint8)
    labels[LIVER] = 6
    for name, voxels in (("ct", hu), ("labels", labels)):
        write_nifti(tmp_path / "data" / f"{name}.nii.gz", Volume(voxels, geometry))
    return tmp_path / "data"


def _titles():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"^### (.*)$", text.partition("\n## Recipes\n")[2].partition("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize("recipe", _titles())
def test_a_recipe_is_one_new_file_and_one_registry_at_most_and_keeps_the_rules(after, recipe):
    copy = after(recipe)
    kinds = [kind for kind, _, _ in copy.blocks]
    assert kinds in (["json"], ["python"], ["python", "diff"])
    changed = [name for kind, name, _ in copy.blocks if kind != "json"]
    settings = f"--config={ROOT / 'pyproject.toml'}"
    for command in (["check"], ["format", "--check"]):
        copy.run(
            "-m", "ruff", *command, settings, "--no-cache", *changed or ["src/omentum/volumes/labels.py"]
        )


@pytest.mark.slow
def test_an_organ_is_in_masks_label_maps_projects_and_dicom(after):
    copy = after("An organ")
    printed = copy.run(
        "-c",
        "import numpy as np\n"
        "from omentum.exchange.exporters.codes import anatomy_code\n"
        "from omentum.volumes.geometry import Geometry\n"
        "from omentum.volumes.labels import ORGANS, organ\n"
        "from omentum.volumes.masks import MaskSet\n"
        "voxels = np.full((2, 2, 2), 33, dtype=np.uint8)\n"
        "masks = MaskSet.from_labels(voxels, Geometry((2, 2, 2), np.eye(4)), ['liver', 'spinal_cord'])\n"
        "print(len(ORGANS), masks.painted().min(), masks.mask('spinal_cord').all())\n"
        "print(anatomy_code('spinal_cord').kind.meaning)\n",
    )
    assert printed.split("\n")[:2] == ["33 33 True", "Spinal cord"]
    copy.omentum("init", "atlas", "--organs", "liver,spinal_cord")
    assert "spinal_cord" in copy.omentum("-C", "atlas", "organs", "list")


def test_an_organ_more_leaves_the_label_table_in_order(after):
    copy = after("An organ")
    shutil.copy(ROOT / "tests/volumes/test_labels.py", copy.root / "test_labels.py")
    fixture = "import pytest\n@pytest.fixture(scope='session')\ndef shared():\n    pytest.skip('not here')\n"
    (copy.root / "conftest.py").write_text(fixture, encoding="utf-8")
    assert "passed" in copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_labels.py")


@pytest.mark.slow
def test_an_architecture_is_saved_loaded_and_predicts(after, ct):
    copy = after("A network architecture")
    copy.run(
        "-c",
        "from pathlib import Path\n"
        "from omentum.networks.catalogue import add_model\n"
        "from omentum.networks.network import NetworkSpec, build\n"
        "from omentum.networks.weights import save_network\n"
        "spec = NetworkSpec(architecture='two-layers', organs=('liver',), spacing_mm=4.0)\n"
        "save_network(Path('weights.safetensors'), build(spec))\n"
        "add_model(Path('weights.safetensors'), 'mine')\n",
    )
    copy.omentum("predict", ct / "ct.nii.gz", "-o", "masks", "--network", "mine")
    assert list((copy.root / "masks").rglob("liver.nii.gz"))


@pytest.mark.slow
def test_an_importer_adds_cts_with_their_labels(after, ct):
    copy = after("An importer")
    (ct / "pairs.csv").write_text("ct,label\nct.nii.gz,labels.nii.gz\n", encoding="utf-8")
    copy.omentum("init", "atlas")
    copy.omentum("-C", "atlas", "add", ct)
    assert "original" in copy.omentum("-C", "atlas", "cases", "list", "--json")


def test_an_exporter_is_a_layout_of_export(after):
    copy = after("An exporter")
    copy.run(
        "-c",
        "from pathlib import Path\n"
        "from omentum.exchange.exporters.export import Export, export_release\n"
        "from omentum.records import MaskSource\n"
        "from omentum.records.released_cases import ReleasedCase, ReleasedMask\n"
        "from omentum.runners.in_process import InProcessRunner\n"
        "mask = ReleasedMask(organ='liver', source=MaskSource.REVISED, path=Path('m'), volume_ml=1500.0)\n"
        "case = ReleasedCase(case_id='c1', patient_id='p1', data_set='', held_out=False, folder=Path('c1'),\n"
        "                    masks=(mask,))\n"
        "asked = Export(version='V1', out=Path('out'), organs=())\n"
        "export_release([case], 'volumes', asked, InProcessRunner())\n",
    )
    assert (copy.root / "out/volumes.csv").read_text().split() == [
        "case_id,organ,volume_ml",
        "c1,liver,1500.0",
    ]
    assert "volumes" in copy.omentum("export", "--help")


@pytest.mark.slow
def test_a_runner_passes_the_conformance_suite_and_runs_a_project(after):
    copy = after("A runner")
    suite = copy.run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "ThreadRunner and (whole or 05)",
        "tests/conformance",
    )
    assert "passed" in suite
    copy.omentum("init", "atlas")
    copy.run(
        "-c",
        "from pathlib import Path\n"
        "from omentum.project.project import opened\n"
        "from omentum.runners.threads import ThreadRunner\n"
        "with opened(Path('atlas'), ThreadRunner()) as project:\n"
        "    assert isinstance(project.runner, ThreadRunner)\n",
    )


def test_a_rule_gives_findings_and_can_be_left_out(after):
    copy = after("A plausibility rule")
    printed = copy.run(
        "-c",
        "import numpy as np\n"
        "from omentum.measures.plausibility.rules import RULES, findings\n"
        "from omentum.volumes.geometry import Geometry\n"
        "from omentum.volumes.masks import MaskSet\n"
        "voxels = np.zeros((60, 60, 60), dtype=np.uint8)\n"
        "voxels[40:55, 20:50, 20:50] = 2\n"
        "voxels[5:10, 20:30, 20:30] = 3\n"
        "geometry = Geometry((60, 60, 60), np.eye(4))\n"
        "masks = MaskSet.from_labels(voxels, geometry, ["
        "'kidney_right', 'kidney_left'])\n"
        "print([str(one) for one in findings(masks) if one.rule == 'unequal_pair'])\n"
        "print(any(one.rule == 'unequal_pair' for one in findings(masks, without=['unequal_pair'])))\n",
    )
    assert printed.split("\n")[:2] == ["['kidney_right: much larger than kidney_left']", "False"]
