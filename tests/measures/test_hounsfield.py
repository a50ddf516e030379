import numpy as np
import pytest

from omentum.errors import NotHounsfieldError
from omentum.measures.hounsfield import as_hounsfield, hounsfield_problem
from omentum.phantoms.phantom import make_phantom
from omentum.volumes.geometry import Geometry
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

WINDOWS = [(-160, 240), (-200, 300), (-125, 225), (-1000, 1000), (-1024, 3071)]
SERIES = ["chaos_03", "crlm_1004", "hcc_tace_006", "tcga_coad_4070", "cptac_pda_189"]


@pytest.fixture(scope="module")
def body() -> np.ndarray:
    """A synthetic abdomen in HU, int16."""
    return make_phantom(3, spacing_mm=(4.0, 4.0, 4.0)).ct.voxels.astype(np.int16)


@pytest.fixture(scope="module")
def real(shared) -> list[np.ndarray]:
    """Real CTs, thinned out to a few planes each, with whatever pads them."""
    data = shared / "data"
    paths = [*(data / name / "dicom" for name in SERIES), data / "totalsegmentator_example/ct.nii.gz"]
    return [read_ct(path).voxels[::4, ::4, ::2].copy() for path in paths]


def stretched(hu: np.ndarray, window: tuple[int, int], most: float) -> np.ndarray:
    low, high = window
    return np.clip((hu.astype(np.float64) - low) / (high - low), 0, 1) * most


def middle(hu: np.ndarray) -> np.ndarray:
    return hu[tuple(slice(side // 3, side // 2) for side in hu.shape)]


def said(values: np.ndarray) -> str | None:
    problem = hounsfield_problem(values)
    return None if problem is None else problem.said


def hu_of(hu: np.ndarray):
    """Give HU as programs leave them: whole, a small view, clipped, masked, padded, noisy."""
    yield hu
    yield middle(hu)
    yield from (np.clip(hu, *window) for window in WINDOWS)
    yield from (np.where(hu > -300, hu, value) for value in (-1000, 0, -3024))
    yield (hu + np.random.default_rng(0).normal(0, 40, hu.shape) * (hu > -1100)).astype(np.int16)


def not_hu_of(hu: np.ndarray):
    yield hu + 1024
    yield middle(hu) + 1024
    yield (hu.astype(np.int32) + 1024).clip(0).astype(np.uint16)
    yield hu + 1000
    yield hu - 1024
    for window in WINDOWS:
        yield stretched(hu, window, 255).astype(np.uint8)
        yield stretched(hu, window, 65535).astype(np.uint16)
        yield stretched(hu, window, 1).astype(np.float32)
        yield stretched(hu, window, 2) - 1
    yield (hu - hu.mean()) / hu.std()
    whole = hu.astype(np.int32)
    yield from (whole * 10, whole + 32768, middle(whole) + 1000, np.zeros_like(hu))
    yield hu.astype(np.int16).view(np.uint16)  # 65536 - x where x is below 0
    yield hu.astype(np.int16).byteswap()
    yield np.where(whole < 0, whole + 4096, whole)  # 12 bits without their sign
    yield middle((whole / 1000 + 1) * 1920)  # attenuation


def test_hu_of_real_and_made_up_bodies_are_hu(real, body):
    assert [said(one) for hu in (*real, body) for one in hu_of(hu) if said(one)] == []


@pytest.mark.parametrize("window", WINDOWS[:3])
def test_a_window_that_was_stretched_to_a_signed_byte_is_found(body, window):
    assert "from -128 to 127" in said((stretched(body, window, 255) - 128).astype(np.int8))
    assert said(body.clip(-128, 128)) is None


def test_values_that_are_not_hu_are_found(real, body):
    n_missed = sum(said(one) is None for hu in (*real, body) for one in not_hu_of(hu))
    assert n_missed == 0


def test_padding_metal_contrast_and_much_air_are_hu(real, body):
    for hu in (*real, body):
        wide = np.pad(
            hu.astype(np.int32), [(hu.shape[0],) * 2, (hu.shape[1],) * 2, (0, 0)], constant_values=0
        )
        outside = np.pad(
            np.zeros(hu.shape, dtype=bool),
            [(side, side) for side in (*hu.shape[:2], 0)],
            constant_values=True,
        )
        for value in (-1000, -1024, -2000, -3024, -32768):
            assert said(np.where(outside, value, wide)) is None
        for value in (3071, 32767):
            metal = hu.astype(np.int32)
            metal[tuple(slice(side // 2, side // 2 + 3) for side in hu.shape)] = value
            assert said(metal) is None
        assert said(np.where((hu > 20) & (hu < 200), hu + 120, hu)) is None


def test_other_modalities_are_not_in_hu():
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, 48)
    bright = ramp[:, None, None] + ramp[:, None] + ramp
    assert said(bright + rng.gamma(2, 60, bright.shape))  # MR
    for scale in (2, 4000):  # PET: uptake values, counts
        assert said(rng.gamma(0.3, scale, bright.shape).astype(np.float32))


def test_values_clipped_at_0_are_not_taken_for_hu(body):
    """Nothing tells a window from 0 to 400 from values that were stretched to these."""
    assert hounsfield_problem(body.clip(0, 400)).offset_hu is None


def test_1024_is_taken_off_where_air_and_tissue_say_so(body):
    stored = body + 1024
    assert hounsfield_problem(stored).offset_hu == -1024.0
    clean = np.where(body > -900, body, -1000) + 1024
    assert hounsfield_problem(clean).offset_hu == -1024.0


def test_no_offset_is_offered_where_1000_was_added_or_no_air_is_seen(body):
    assert hounsfield_problem(body + 1000).offset_hu is None
    assert hounsfield_problem((body + 1000).clip(0)).offset_hu is None
    assert hounsfield_problem(body[body > -300].reshape(-1, 1, 1) + 1024).offset_hu is None


@pytest.mark.parametrize("value", [0.0, 40.0, float("nan"), float("inf")])
def test_a_ct_of_one_value_or_none_is_not_in_hu(value):
    assert said(np.full((9, 9, 9), value, dtype=np.float32))


def test_what_is_refused_names_the_way_on(body):
    grid = Geometry(body.shape, np.eye(4))
    with pytest.raises(NotHounsfieldError, match=r"a\.nii.*near 10.*--hu-offset -1024, or --accept-values"):
        as_hounsfield("a.nii", Volume(body + 1024, grid))
    with pytest.raises(NotHounsfieldError, match=r"from 0 to 1, .*--accept-values .*--hu-offset"):
        as_hounsfield("a.nii", Volume(stretched(body, (-160, 240), 1), grid))
    ct, problem = as_hounsfield("a.nii", Volume(body + 1024, grid), accept=True)
    assert "HU + 1024" in problem.said
    np.testing.assert_array_equal(ct.voxels, body + 1024)


@pytest.mark.parametrize(
    ("dtype", "kept"), [(np.int16, np.int16), (np.uint16, np.int16), (np.float32, np.float32)]
)
def test_an_offset_makes_hu_without_wrapping_round(dtype, kept, body):
    stored = (body.astype(np.int32) + 1024).clip(0).astype(dtype)
    ct, problem = as_hounsfield("a", Volume(stored, Geometry(body.shape, np.eye(4))), offset_hu=-1024.0)
    assert problem is None
    assert ct.voxels.dtype == kept
    np.testing.assert_array_equal(ct.voxels, body.clip(-1024))
    far = stored.astype(np.int16)
    far[0, 0, 0] = -32768
    ct, _ = as_hounsfield("a", Volume(far, ct.geometry), offset_hu=-1024.0)
    assert ct.voxels[0, 0, 0] == -33792


def test_an_offset_that_does_not_make_hu_is_refused(body):
    with pytest.raises(NotHounsfieldError, match="with -1024 added"):
        as_hounsfield("a", Volume(body, Geometry(body.shape, np.eye(4))), offset_hu=-1024.0)
