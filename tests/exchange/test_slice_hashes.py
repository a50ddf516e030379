"""A CT is found again when it was cropped, padded, mirrored or cut in its values, and no other scan is."""

import numpy as np
import pytest

from omentum.exchange.fingerprint import KnownScans, fingerprint
from omentum.exchange.slice_hashes import slice_hash
from omentum.volumes.geometry import Geometry
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

REAL = ["chaos_03", "cptac_pda_189", "crlm_1004", "hcc_tace_006", "tcga_coad_4070"]
COPIES = {
    "lower half": lambda hu: hu[..., : hu.shape[2] // 2],
    "upper half": lambda hu: hu[..., hu.shape[2] // 2 :],
    "padded with air": lambda hu: np.pad(hu, ((9, 4), (3, 8), (5, 2)), constant_values=-1024),
    "mirrored": lambda hu: hu[::-1],
    "from front to back": lambda hu: hu[:, ::-1],
    "upside down": lambda hu: hu[..., ::-1],
    "cut to [-160, 240]": lambda hu: np.clip(hu, -160, 240),
    "cut to [-57, 164], half, float": lambda hu: np.clip(hu[..., ::2], -57, 164).astype(np.float32),
    "rounding": lambda hu: hu.astype(np.float32) + np.float32(0.3),
}


def made(seed: int, side: int = 48) -> np.ndarray:
    """An ellipse of soft tissue with noise; of one `seed // 2` the anatomy is the same, as of two phases."""
    x, y, _ = np.meshgrid(*[np.linspace(-1, 1, side)] * 3, indexing="ij")
    inside = (x / 0.8) ** 2 + (y / (0.6 + 0.01 * (seed // 2))) ** 2 < 1
    noise = np.random.default_rng(seed).normal(0, 8, (side,) * 3)
    return np.where(inside, 50 + 20 * x + noise, -1000).round().astype(np.int16)


def scan(hu):
    return fingerprint(Volume(np.ascontiguousarray(hu), Geometry(hu.shape, np.eye(4))))


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_is_found_and_a_second_scan_of_the_patient_is_none(copied):
    known = KnownScans()
    known.add("a", scan(made(2)))
    assert known.same_slices(scan(copied(made(2)))) == ["a"]
    assert known.same_slices(scan(copied(made(3)))) == []
    assert known.same_slices(scan(copied(made(4)))) == []


def test_slices_that_show_too_little_are_not_told_apart():
    for plane in (np.zeros((64, 64)), np.full((64, 64), 40), np.full((64, 64), -1000), made(0)[:16, :16, 8]):
        assert slice_hash(plane.astype(np.int16)) is None
    assert slice_hash(made(0)[..., 8]) is not None


def test_a_case_with_more_of_the_slices_comes_first():
    known = KnownScans()
    known.add("part", scan(made(2)[..., :6]))
    known.add("rest", scan(made(2)[..., 6:]))
    assert known.same_slices(scan(made(2))) == ["rest", "part"]


@pytest.mark.parametrize("name", REAL)
def test_copies_of_real_cts_are_found(shared, name):
    ct = read_ct(shared / "data" / name / "dicom")
    hu = ct.voxels[..., :: max(1, ct.voxels.shape[2] // 30)]
    known = KnownScans()
    known.add(name, scan(hu))
    for copied in COPIES.values():
        assert known.same_slices(scan(copied(hu))) == [name]
