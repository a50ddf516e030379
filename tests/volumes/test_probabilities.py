import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import ConfigError, UnknownOrganError, UnreadableImageError
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.probabilities import (
    FULL,
    LEAST,
    ProbabilityMaps,
    reach,
    read_probabilities,
    write_probabilities,
)
from omentum.volumes.resample import resampled
from omentum.volumes.volume import Volume

modest = settings(max_examples=60, deadline=None)


def made(grid, seed, organ="liver"):
    """One organ in a random box of a grid: the maps, and the full map that they stand for."""
    rng = np.random.default_rng(seed)
    low = [int(rng.integers(0, side)) for side in grid.shape]
    box = tuple(slice(a, int(rng.integers(a + 1, side + 1))) for a, side in zip(low, grid.shape, strict=True))
    full = np.zeros(grid.shape, dtype=np.uint8)
    full[box] = rng.integers(LEAST, FULL, full[box].shape, endpoint=True)
    return ProbabilityMaps(grid, (organ, "spleen"), {organ: BoxedArray(box, full[box])}), full


@modest
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_a_file_gives_back_every_value_box_and_name(scratch, oblique, data, seed):
    maps, _ = made(data.draw(oblique), seed)
    write_probabilities(scratch / "probabilities.zarr.zip", maps)
    back = read_probabilities(scratch / "probabilities.zarr.zip")
    assert back.organs == maps.organs
    assert back.geometry.same_grid(maps.geometry, tolerance_mm=0)
    assert back.parts.keys() == maps.parts.keys()
    assert back.parts["liver"][0] == maps.parts["liver"][0]
    assert back.parts["liver"][1].dtype == np.uint8
    np.testing.assert_array_equal(back.parts["liver"][1], maps.parts["liver"][1])


def test_boxes_wider_than_a_chunk_and_maps_without_an_organ_are_kept_too(tmp_path):
    grid = Geometry((70, 130, 20), np.eye(4))
    values = np.random.default_rng(0).integers(0, 255, grid.shape).astype(np.uint8)
    maps = ProbabilityMaps(grid, ("liver",), {"liver": BoxedArray.whole(np.asfortranarray(values))})
    write_probabilities(tmp_path / "a.zarr.zip", maps)
    np.testing.assert_array_equal(read_probabilities(tmp_path / "a.zarr.zip").parts["liver"][1], values)
    write_probabilities(tmp_path / "b.zarr.zip", ProbabilityMaps(grid, ("liver",), {}))
    assert read_probabilities(tmp_path / "b.zarr.zip").parts == {}


@modest
@given(
    seed=st.integers(0, 2**32 - 1),
    spacing_mm=st.tuples(*[st.floats(0.7, 6.0)] * 3),
    orientation=st.sampled_from(ALL_ORIENTATIONS),
)
def test_an_organ_in_its_box_is_the_whole_map_resampled(seed, spacing_mm, orientation):
    grid = Geometry((16, 15, 14), np.diag([1.5, 1.5, 1.5, 1.0]))
    network = grid.reoriented(orientation)
    maps, full = made(network, seed)
    ct = network.spaced(spacing_mm)
    box, probability = maps.on_grid("liver", ct)
    placed = np.zeros(ct.shape, dtype=np.float32)
    placed[box] = probability
    assert probability.dtype == np.float32
    np.testing.assert_allclose(placed, resampled(full, network, ct) / FULL, atol=1e-5)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_every_orientation_of_both_grids_puts_the_organ_at_the_same_place(orientation):
    grid = Geometry((16, 15, 14), np.diag([1.5, 1.5, 1.5, 1.0]))
    maps, full = made(grid, 5)
    ct = grid.spaced((0.9, 1.1, 4.0))
    turned = Volume(full, grid).reoriented(orientation)
    turned_maps = ProbabilityMaps(turned.geometry, maps.organs, {"liver": BoxedArray.whole(turned.voxels)})
    box, probability = turned_maps.on_grid("liver", ct.reoriented(orientation))
    placed = np.zeros(ct.reoriented(orientation).shape, dtype=np.float32)
    placed[box] = probability
    plain = Volume(resampled(full, grid, ct) / FULL, ct)
    np.testing.assert_allclose(placed, plain.reoriented(orientation).voxels, atol=1e-5)


def test_an_organ_between_two_thick_slices_is_not_smeared_over_them():
    network = Geometry((16, 16, 16), np.eye(4))
    values = np.full((4, 4, 1), FULL, dtype=np.uint8)
    maps = ProbabilityMaps(
        network, ("liver",), {"liver": BoxedArray((slice(6, 10), slice(6, 10), slice(10, 11)), values)}
    )
    _, probability = maps.on_grid("liver", network.spaced((1.0, 1.0, 8.0)))
    assert probability.max() < 0.2


def test_an_organ_that_is_nowhere_is_none_and_an_unknown_one_refused(ras_grid):
    maps, _ = made(ras_grid, 1)
    assert maps.on_grid("spleen", ras_grid) is None
    assert maps.on_grid("kidney_left", ras_grid) is None
    with pytest.raises(UnknownOrganError):
        maps.on_grid("heart", ras_grid)


def test_a_grid_that_is_not_parallel_is_refused(ras_grid):
    maps, _ = made(ras_grid, 1)
    with pytest.raises(ConfigError, match="parallel"):
        maps.on_grid("liver", ras_grid.reoriented("LPS"))


@modest
@given(data=st.data(), spacing_mm=st.tuples(*[st.floats(0.7, 6.0)] * 3), seed=st.integers(0, 2**32 - 1))
def test_the_reach_of_a_crop_holds_every_centre_that_lies_in_its_voxels(oblique, data, spacing_mm, seed):
    grid = data.draw(oblique)
    target = grid.spaced(spacing_mm)
    crop = grid.cropped(made(grid, seed)[0].parts["liver"][0])
    index = np.moveaxis(np.indices(target.shape), 0, -1)
    at = crop.to_index(target.to_mm(index))
    within = np.all((at > -0.4999) & (at < np.array(crop.shape) - 0.5001), axis=-1)
    box = reach(crop, target)
    assert all(0 <= part.start < part.stop <= side for part, side in zip(box, target.shape, strict=True))
    assert within.sum() == within[box].sum()
    if within.any():
        ends = np.argwhere(within)
        for part, low, high in zip(box, ends.min(axis=0), ends.max(axis=0), strict=True):
            assert low - part.start <= 1
            assert part.stop - high <= 2


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and more", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "probabilities.zarr.zip"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=r"probabilities\.zarr\.zip: .*omentum predict"):
        read_probabilities(path)


def test_a_missing_file_a_folder_and_another_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "b")
    for path in (tmp_path / "missing.zip", tmp_path, tmp_path / "other.zip"):
        with pytest.raises(UnreadableImageError, match="omentum predict"):
            read_probabilities(path)


def test_a_file_cut_short_or_damaged_never_gives_other_values(tmp_path, ras_grid):
    maps, _ = made(ras_grid, 3)
    path = tmp_path / "probabilities.zarr.zip"
    write_probabilities(path, maps)
    good = path.read_bytes()
    for n_bytes in range(0, len(good), 97):
        path.write_bytes(good[:n_bytes])
        with pytest.raises(UnreadableImageError):
            read_probabilities(path)
    path.write_bytes(good)
    with zipfile.ZipFile(path) as whole_file:
        chunk = max(whole_file.infolist(), key=lambda entry: entry.file_size)
    damaged = bytearray(good)
    damaged[chunk.header_offset + 100] ^= 0x55
    path.write_bytes(damaged)
    with pytest.raises(UnreadableImageError, match="omentum predict"):
        read_probabilities(path)
