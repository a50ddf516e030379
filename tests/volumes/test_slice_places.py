import numpy as np
import pytest
from scipy.interpolate import interp1d

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom import read_dicom, read_series
from omentum.volumes.read import read_ct
from omentum.volumes.slice_places import even_grid, resampled_grid, why_uneven


def test_whole_millimetres_are_even_places_that_were_rounded():
    grid = even_grid(np.round(np.arange(20) * 2.5 + 0.2))
    assert grid.is_rounded
    assert grid.step_mm == pytest.approx(2.5, abs=0.02)
    assert np.abs(grid.heights_mm - (np.arange(20) * 2.5 + 0.2)).max() < 0.6


def test_where_a_missing_slice_looks_like_rounding_the_header_decides():
    heights = np.round(np.arange(20) * 1.4)
    assert even_grid(heights) is None
    assert even_grid(heights, stated_step_mm=1.4).is_rounded
    assert even_grid(heights, is_numbered=True).is_rounded
    with_gaps = np.delete(np.arange(23.0), [5, 11, 17])
    assert even_grid(with_gaps, stated_step_mm=1.0) is None


@pytest.mark.parametrize("heights", [[0, 2, 4, 6, 9, 11, 13, 15, 17], [*range(0, 20, 2), *range(21, 40, 3)]])
def test_one_odd_gap_or_two_stretches_in_whole_millimetres_are_not_rounding(heights):
    assert even_grid(np.array(heights, dtype=float), is_numbered=True) is None


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ([0, 2, 4, 6, 10, 12, 14], "a slice is missing, for none lies at 8.0 mm"),
        ([0, 2, 4, 6, 12, 14, 16], "2 slices are missing, for none lies at 8.0, 10.0 mm"),
        ([0, 3, 6, 9, 15, 21, 27], "its spacing varies.*3.00 mm apart from 0.0 to 9.0 mm, 6.00 mm apart"),
        ([0, 2, 4, 6.4, 8, 10, 12, 14, 16, 18, 20], "2.00 mm apart but 2.40 mm at 4.0 mm.*not evenly"),
        ([0, 2, 2, 4], "two slices lie at 2.0 mm"),
    ],
)
def test_the_reason_says_what_is_uneven_and_where(heights, said):
    import re

    assert re.search(said, why_uneven(np.array(heights, dtype=float)))


def test_a_resampled_grid_has_the_smallest_usual_distance_and_keeps_most_slices():
    grid = resampled_grid(np.array([0, 6, 14, 22, 38, 46, 54, 62, 70, 78, 86, 94, 102.0]))
    assert (grid.start_mm, grid.step_mm, grid.count) == (6.0, 8.0, 13)
    grid = resampled_grid(np.concatenate([np.arange(0, 33, 3.0), np.arange(33, 100, 6.0)]))
    assert (grid.start_mm, grid.step_mm) == (0.0, 3.0)


def test_uneven_slices_are_interpolated_between_their_neighbours(tmp_path, make_series):
    hu = np.random.default_rng(0).integers(-1000, 1000, (9, 8, 30)).astype(float)
    slices = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 24, 26, 28, 29]
    folder = make_series(tmp_path / "ct", hu, slices=slices)
    with pytest.raises(DicomSeriesError, match=r"spacing varies.*--resample-slices"):
        read_dicom(folder)
    volume = read_ct(folder, resample_slices=True)
    expected = interp1d(slices, hu[:, :, slices], axis=2)(np.arange(30))
    np.testing.assert_allclose(volume.voxels, expected, atol=0.5)
    assert volume.geometry.spacing_mm[2] == pytest.approx(2.0)
    assert "22 slices at uneven distances were interpolated on 30" in volume.notes[0]


def test_a_gap_wider_than_any_spacing_that_is_taken_is_not_interpolated(tmp_path, make_series):
    folder = make_series(tmp_path / "ct", np.zeros((9, 8, 40)), slices=[*range(10), *range(30, 40)])
    with pytest.raises(DicomSeriesError, match="gaps of more than 20 mm are not interpolated"):
        read_series(folder, resample_slices=True)


def test_the_real_series_with_two_empty_places_names_them_and_is_interpolated(shared):
    folder = shared / "data/tcga_lihc_a10x/dicom"
    with pytest.raises(DicomSeriesError, match=r"2 slices are missing, for none lies at -341\.0, -325\.0 mm"):
        read_series(folder)
    volume, series = (
        read_dicom(folder, resample_slices=True),
        read_series(folder, resample_slices=True),
    )
    heights = [one.position_mm[2] for one in series.slices]
    at = volume.geometry.to_mm([[0, 0, z] for z in range(volume.geometry.shape[2])])[:, 2]
    below = np.searchsorted(heights, -341.0) - 1
    line = volume.voxels[250, 250:260]
    here = {round(height): line[:, place] for place, height in enumerate(at)}
    assert heights[below] == -349.0
    np.testing.assert_allclose(here[-341], (here[-349].astype(float) + here[-333]) / 2, atol=0.51)
    assert volume.geometry.spacing_mm[2] == pytest.approx(8.0)


def test_whole_millimetres_in_headers_make_a_regular_volume(tmp_path, make_series, change_slice):
    hu = np.random.default_rng(0).integers(-1000, 1000, (9, 8, 12)).astype(float)
    folder = make_series(tmp_path / "ct", hu, step_mm=(0.0, 0.0, 2.5))
    for number in range(12):
        change_slice(folder, number, ImagePositionPatient=["-10", "20", f"{np.floor(30.2 + 2.5 * number):g}"])
    volume = read_dicom(folder)
    np.testing.assert_array_equal(volume.voxels, hu)
    assert volume.geometry.spacing_mm[2] == pytest.approx(2.5, abs=0.03)
    assert "rounded to whole mm" in volume.notes[0]


def test_a_slice_beside_the_others_is_refused(tmp_path, make_series, change_slice):
    folder = make_series(tmp_path / "ct", np.zeros((9, 8, 12)))
    change_slice(folder, 5, ImagePositionPatient=["-10", "25", "40"])
    with pytest.raises(DicomSeriesError, match=r"do not lie above each other: the one at 40\.0 mm.*5\.00 mm"):
        read_series(folder)
