"""A click changes the voxel that it points at, and no other, in every orientation."""

import numpy as np
import pytest

from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import ct_header, same_grid, saved_mask, voxels
from omentum.volumes.geometry import ALL_ORIENTATIONS

WANTED = (
    *(Wanted(name.lower(), name) for name in ALL_ORIENTATIONS),
    Wanted("oblique-lps", "LPS", turned_degrees=20.0),
    Wanted("oblique-sal", "SAL", turned_degrees=-17.0),
    Wanted("qform-only", "RAS", header="qform"),
    Wanted("qform-only-oblique", "LAS", turned_degrees=9.0, header="qform"),
    Wanted("sform-only", "LPS", header="sform"),
    Wanted("sform-only-oblique", "PIR", turned_degrees=14.0, header="sform"),
)
POINTED = ("LPS", "RAS", "SAL", "PIR", "ILA", "ASR")
BASE = PageAtlas.masks_of_all()


@pytest.fixture(scope="module")
def server(serve):
    return serve(*WANTED, *(Wanted(f"click-{name.lower()}-{n}", name) for name in POINTED for n in (1, 2)))


@pytest.fixture(scope="module")
def tab(chromium, server):
    """One tab for all orientations."""
    from browsing.driver import Page

    with Page.entered(chromium, server) as page:
        page.wait_for_task()
        yield page
        page.require_quiet()


def saved(page, server, case_id: str) -> np.ndarray:
    image = saved_mask(server.root, case_id, "liver", page.save())
    assert same_grid(image, ct_header(server.root, case_id))
    return voxels(image)


def changed(page, server, case_id: str) -> list[tuple[int, ...]]:
    """Save, and list the voxels that differ from the mask that was loaded."""
    return [tuple(map(int, one)) for one in np.argwhere(saved(page, server, case_id) ^ BASE["liver"])]


@pytest.mark.parametrize(
    ("task", "wanted"), list(enumerate(WANTED, start=1)), ids=lambda one: getattr(one, "case_id", "")
)
def test_masks_are_loaded_and_saved_with_all_voxels_that_are_not_drawn(tab, server, task, wanted):
    tab.open(task)
    tab.keys("b")
    tab.set("radius", 0)
    tab.draw([tab.white("axial")[0]])
    assert changed(tab, server, wanted.case_id) == [LANDMARKS[0]]


@pytest.mark.parametrize("pixel_ratio", [1, 2])
@pytest.mark.parametrize("orientation", POINTED)
def test_a_click_on_a_landmark_changes_exactly_that_voxel(enter, server, orientation, pixel_ratio):
    page = enter(server, pixel_ratio=pixel_ratio)
    page.open(len(WANTED) + 2 * POINTED.index(orientation) + pixel_ratio)
    case_id = f"click-{orientation.lower()}-{pixel_ratio}"
    page.keys("b")
    page.set("radius", 0)
    for plane, key, voxel_is_there in (
        ("axial", "b", True),
        ("coronal", "e", False),
        ("sagittal", "b", True),
    ):
        page.keys("Shift+V")  # what was drawn on the landmark would divide it
        at = page.white(plane)[0]
        page.keys("Shift+V", key)
        page.draw([at])
        assert changed(page, server, case_id) == [LANDMARKS[0]] * voxel_is_there
