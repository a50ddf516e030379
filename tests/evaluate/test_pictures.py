import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from omentum.evaluate.pictures import embedded_png


def pixels_of(address):
    header, _, encoded = address.partition(",")
    assert header == "data:image/png;base64"
    return imread(io.BytesIO(base64.b64decode(encoded)), format="png")


@pytest.fixture
def wide(tmp_path):
    """A 90 x 200 picture in colour, its left half red."""
    pixels = np.zeros((90, 200, 3))
    pixels[:, :100, 0] = 1.0
    imsave(tmp_path / "wide.png", pixels)
    return tmp_path / "wide.png"


def test_wide_picture_is_reduced_by_a_whole_factor(wide):
    pixels = pixels_of(embedded_png(wide, most_pixels_wide=80))
    assert pixels.shape[:2] == (30, 66)
    assert (pixels[:, :33, 0] == 1.0).all()
    assert (pixels[:, 34:, 0] == 0.0).all()


def test_small_picture_is_kept_as_it_is(wide):
    assert (pixels_of(embedded_png(wide))[..., :3] == imread(wide)[..., :3]).all()


def test_grey_picture_stays_grey(tmp_path):
    imsave(tmp_path / "grey.png", np.tile(np.linspace(0, 1, 40), (20, 1)), cmap="gray")
    pixels = pixels_of(embedded_png(tmp_path / "grey.png"))
    assert np.ptp(pixels[..., :3], axis=-1).max() == 0.0
    assert pixels[..., 0].max() == 1.0


def test_missing_or_damaged_picture_is_left_out(tmp_path):
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n then nothing")
    (tmp_path / "text.png").write_text("no picture")
    assert embedded_png(tmp_path / "absent.png") is None
    assert embedded_png(tmp_path / "damaged.png") is None
    assert embedded_png(tmp_path / "text.png") is None
