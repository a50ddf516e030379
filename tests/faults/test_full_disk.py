"""A disk that gets full in the middle of a run: a small file system of its own, as the project's folder."""

import os
import shutil
import subprocess

import pytest

from outcome import file_hashes, half_written

MIB = 1 << 20
SIZE = 24 * MIB
FILES = ["masks.nii.gz", "labels.nii.gz", "labels.json", "probabilities.zarr.zip", "preview.png"]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    """A file system of 24 MiB."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small file system ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def begun(abdomens, tiny_weights, tmp_path_factory):
    """A project with four patients that nobody predicted yet, and one that was predicted on a large disk."""
    from omentum import loop
    from omentum.networks.catalogue import add_model
    from omentum.project.project import begin_project, opened
    from omentum.project.settings import Settings

    folder = tmp_path_factory.mktemp("begun")
    begin_project(folder / "atlas", Settings(networks=("tiny",), held_out_share=0.0, scoring="published"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMENTUM_HOME", str(folder / "home"))
        add_model(tiny_weights, "tiny")
        with opened(folder / "atlas") as project:
            loop.add_cases(project, [abdomens])
        shutil.copytree(folder / "atlas", folder / "whole", symlinks=True)
        with opened(folder / "whole") as project:
            loop.predict(project)
    return folder


@pytest.fixture
def atlas(begun, small_disk, home):
    """The project on the small disk."""
    for path in small_disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(begun / "atlas", small_disk / "atlas", symlinks=True)
    return small_disk / "atlas"


def fill(disk, room_bytes):
    """Leave so much room on a disk; give the file to remove."""
    found = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(bytes(max(0, found.f_bavail * found.f_frsize - room_bytes)))
    return filler


def check_nothing_is_half(atlas):
    assert not half_written(atlas)
    for summary in atlas.rglob("summary.json"):
        assert all((summary.parent / name).is_file() for name in FILES), "a summary without its files"


@pytest.mark.parametrize("room_kib", [0, 40, 400])
def test_predict_stops_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    omentum, atlas, begun, small_disk, room_kib
):
    filler = fill(small_disk, room_kib << 10)
    stopped = omentum("-C", atlas, "predict")
    assert stopped.code == 2, stopped
    assert "free some space and run the same command again" in stopped.err
    assert stopped.err.count("\n") == 1
    check_nothing_is_half(atlas)
    filler.unlink()
    ran = omentum("-C", atlas, "predict")
    assert ran.code == 0, ran
    assert file_hashes(atlas) == file_hashes(begun / "whole")
    check_nothing_is_half(atlas)
