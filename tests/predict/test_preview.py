import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from omentum.predict.preview import write_preview
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

GREY_HU = 40
"""Half way between black and white."""


def case(orientation="RAS", spacing_mm=(3.0, 3.0, 3.0), shape=(40, 40, 40), organs=("liver",)):
    """Soft tissue, with a liver on the patient's right, in front and high."""
    affine = np.diag([*spacing_mm, 1.0])
    labels = np.zeros(shape, dtype=np.uint8)
    box = tuple(slice(int(0.7 * side), int(0.9 * side)) for side in shape)
    labels[box] = organ("liver").index
    geometry = Geometry(shape, affine)
    ct = Volume(np.full(shape, GREY_HU, dtype=np.int16), geometry).reoriented(orientation)
    turned = Volume(labels, geometry).reoriented(orientation)
    return ct, MaskSet.from_labels(turned.voxels, turned.geometry, organs)


def read(path):
    return matplotlib.image.imread(path)[..., :3]


def panels(picture):
    """The three slices in a picture: where many pixels are the grey of the CT or the colour of an organ."""
    for third in np.array_split(picture, 3, axis=1):
        inside = third.min(axis=2) > 0.2
        inside[inside.sum(axis=1) < 80] = False
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.sum(axis=0) > 80)
        yield third[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def coloured_at(panel):
    """Where the coloured pixels are: how far to the right and how far down, from 0 to 1."""
    rows, columns = np.nonzero(panel.max(axis=2) - panel.min(axis=2) > 0.1)
    return columns.mean() / panel.shape[1], rows.mean() / panel.shape[0]


@pytest.fixture
def legends(monkeypatch):
    """The texts of every legend that is drawn."""
    texts = []
    really = Figure.legend

    def note(figure, *arguments, **options):
        texts.extend(handle.get_label() for handle in options["handles"])
        return really(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "legend", note)
    return texts


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[::8])
def test_the_patients_right_is_on_the_left_and_front_and_head_are_up(tmp_path, orientation):
    write_preview(tmp_path / "preview.png", *case(orientation))
    axial, coronal, sagittal = map(coloured_at, panels(read(tmp_path / "preview.png")))
    # The liver lies at 0.8 of the way to the right, to the front and to the head.
    assert axial == pytest.approx((0.2, 0.2), abs=0.04)  # right hand to the left, front up
    assert coronal == pytest.approx((0.2, 0.2), abs=0.04)  # right hand to the left, head up
    assert sagittal == pytest.approx((0.2, 0.2), abs=0.04)  # front to the left, head up


def test_it_is_a_picture_that_people_can_see(tmp_path):
    write_preview(tmp_path / "preview.png", *case())
    picture = read(tmp_path / "preview.png")
    height, width, _ = picture.shape
    assert 300 <= height <= 1200
    assert 800 <= width <= 2400
    assert (tmp_path / "preview.png").stat().st_size < 1_000_000
    assert [file.name for file in tmp_path.iterdir()] == ["preview.png"]


def test_slices_have_the_proportions_of_the_patient(tmp_path):
    write_preview(tmp_path / "preview.png", *case(spacing_mm=(1.0, 2.0, 6.0), shape=(120, 40, 15)))
    axial, coronal, sagittal = (panel.shape[:2] for panel in panels(read(tmp_path / "preview.png")))
    for (rows, columns), (height_mm, width_mm) in zip(
        (axial, coronal, sagittal), [(80, 120), (90, 120), (90, 80)], strict=True
    ):
        assert rows / columns == pytest.approx(height_mm / width_mm, rel=0.04)


def test_the_organ_has_its_colour_over_the_grey_of_the_ct(tmp_path):
    write_preview(tmp_path / "preview.png", *case())
    axial = next(panels(read(tmp_path / "preview.png")))
    rows, columns = axial.shape[:2]
    np.testing.assert_allclose(axial[int(0.8 * rows), int(0.5 * columns)], 0.5, atol=0.01)
    expected = 0.55 * 0.5 + 0.45 * np.array(organ("liver").colour) / 255
    np.testing.assert_allclose(axial[int(0.2 * rows), int(0.2 * columns)], expected, atol=0.01)


def test_the_legend_names_the_organs_that_are_there_with_their_volumes(tmp_path, legends):
    ct, masks = case(organs=("liver", "spleen"))
    write_preview(tmp_path / "preview.png", ct, masks)
    assert legends == [f"{organ('liver').display_name} {8**3 * 27 / 1000:.0f} mL"]


def test_a_ct_without_any_organ_has_a_picture_without_a_legend(tmp_path, legends):
    ct, masks = case(organs=("spleen",))
    write_preview(tmp_path / "preview.png", ct, masks)
    assert legends == []
    for panel in panels(read(tmp_path / "preview.png")):
        np.testing.assert_allclose(panel[panel.shape[0] // 2, panel.shape[1] // 2], 0.5, atol=0.01)


@pytest.mark.parametrize(
    ("spacing_mm", "shape"),
    [((0.5, 0.5, 20.0), (20, 20, 8)), ((20.0, 20.0, 0.5), (8, 8, 20)), ((0.7, 0.7, 5.0), (8, 200, 8))],
)
def test_odd_shapes_and_all_organs_at_once_can_be_drawn(tmp_path, spacing_mm, shape):
    rng = np.random.default_rng(0)
    geometry = Geometry(shape, np.diag([*spacing_mm, 1.0]))
    ct = Volume(rng.normal(0, 300, shape).astype(np.float32), geometry)
    labels = rng.integers(0, 33, shape).astype(np.uint8)
    masks = MaskSet.from_labels(labels, geometry, [row.name for row in ORGANS])
    write_preview(tmp_path / "preview.png", ct, masks)
    assert read(tmp_path / "preview.png").max() > 0.5
