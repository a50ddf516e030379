"""What each tool changes is what an independent program computes."""

import numpy as np
import pytest

from fixtures import naive_tools as naive
from fixtures.page_atlas import BAND_HU, LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import saved_mask, voxels

SPACING_MM = (0.9, 0.9, 2.0)
SHAPE = PageAtlas.shape
BASE = PageAtlas.masks_of_all()
TOOLS = (
    "disc", "ball", "eraser", "threshold", "lasso", "polygon", "flood", "seeds", "between", "grow", "shrink",
    "holes", "keep", "remove", "smooth", "copy", "swap", "hand-over", "undo", "locked",
)  # fmt: skip
UNSURE_MM = 0.1
ZOOM = 3.0
MIDDLE = (13, 10, 9)
"""Voxel that stays where it is when the plane is enlarged."""
RADIUS_MM = 3
PATH = ((13.2, 3.1), (15.4, 8.3), (20.6, 6.2))
"""Of a stroke, in voxels of the axial plane."""
SLICE = LANDMARKS[0][2]
KIDNEYS = ("kidney_left", "kidney_right")


@pytest.fixture(scope="module")
def server(serve):
    """A task for each tool; that of swapping sides is about a kidney."""
    return serve(
        *(
            Wanted(
                name,
                spacing_mm=SPACING_MM,
                organ="kidney_left" if name == "swap" else "liver",
                has_second=name == "copy",
            )
            for name in TOOLS
        )
    )


@pytest.fixture
def begin(enter, server):
    """Function: open the task of a tool with its whole CT."""

    def open_task(tool: str):
        page = enter(server)
        page.open(TOOLS.index(tool) + 1)
        page.load_whole()
        return page

    return open_task


def frame_of(page, plane="axial") -> naive.Frame:
    """Enlarge the plane, learn where voxels lie from both landmarks, and come back to the first."""
    page.zoom(ZOOM, page.client_of(plane, MIDDLE))
    first = page.white(plane)[0]
    steps = LANDMARKS[1][2] - LANDMARKS[0][2]
    page.plane(plane).focus()
    page.keys(*["ArrowUp"] * steps)
    second = page.white(plane)[0]
    page.keys(*["ArrowDown"] * steps)
    return naive.Frame.of("LPS", plane, LANDMARKS, (first, second))


def stroke(frame: naive.Frame, path=PATH, index=SLICE):
    """Give the pixels of a stroke, and the voxel coordinates that they have."""
    pixels = [frame.pixel((*one, index)) for one in path]
    return pixels, [frame.voxel(one, index) for one in pixels]


def saved(page, server, tool: str, organ: str = "liver") -> np.ndarray:
    return voxels(saved_mask(server.root, tool, organ, page.save()))


def painted(path, *, across: int | None = 2) -> naive.Bounds:
    """Give the voxels of a stroke that the liver can have: it takes them from other organs."""
    return naive.brush(SHAPE, SPACING_MM, path, RADIUS_MM, disc_across=across, unsure_mm=UNSURE_MM)


@pytest.mark.parametrize(("tool", "across"), [("disc", 2), ("ball", None)])
def test_a_brush_draws_what_lies_within_its_radius(begin, server, tool, across):
    page = begin(tool)
    pixels, path = stroke(frame_of(page))
    page.keys("b", *["Shift+B"] * (tool == "ball"))
    page.set("radius", RADIUS_MM)
    page.draw(pixels)
    added = saved(page, server, tool) & ~BASE["liver"]
    assert added.any()
    assert (painted(path, across=across) & ~BASE["liver"]).differences(added) == []


def test_the_eraser_removes_what_lies_within_its_radius(begin, server):
    page = begin("eraser")
    pixels, path = stroke(frame_of(page))
    page.keys("e")
    page.set("radius", RADIUS_MM)
    page.draw(pixels)
    removed = BASE["liver"] & ~saved(page, server, "eraser")
    assert removed.any()
    assert (painted(path) & BASE["liver"]).differences(removed) == []


def test_the_threshold_brush_draws_only_what_has_the_intensity(begin, server):
    page = begin("threshold")
    frame = frame_of(page)
    pixels, path = stroke(frame, ((4, 5), (7, 5), (12, 5)))
    page.keys("t")
    page.set("radius", RADIUS_MM)
    page.draw(pixels)
    added = saved(page, server, "threshold") & ~BASE["liver"]
    assert (painted(path) & (ct() <= 200) & ~BASE["liver"]).differences(added) == []
    assert not added[LANDMARKS[0]]


@pytest.mark.parametrize("tool", ["lasso", "polygon"])
def test_an_outline_adds_what_it_encloses(begin, server, tool):
    page = begin(tool)
    frame = frame_of(page)
    corners = ((3.3, 8.4), (10.6, 9.7), (12.4, 18.2), (6.7, 13.1), (2.2, 19.3))
    pixels, path = stroke(frame, corners)
    page.keys(tool[0])
    if tool == "lasso":
        page.draw(pixels)
    else:
        for pixel in pixels:
            page.draw([pixel])
        page.keys("Enter")
    added = saved(page, server, tool) & ~BASE["liver"]
    assert added.any()
    assert (naive.polygon(SHAPE, frame, path, 0.1) & ~BASE["liver"]).differences(added) == []


def ct() -> np.ndarray:
    return PageAtlas.hu()


def test_a_flood_fill_adds_what_is_connected_within_the_band(begin, server):
    page = begin("flood")
    pixel = frame_of(page).pixel((10, 12, SLICE))
    page.keys("f")
    page.draw([pixel])
    wanted = naive.flood(ct(), (10, 12, SLICE), 0, 200) | BASE["liver"]
    np.testing.assert_array_equal(saved(page, server, "flood"), wanted)


def test_growing_from_seeds_stops_at_the_border_of_intensity(begin, server):
    page = begin("seeds")
    frame = frame_of(page)
    page.plane("axial").focus()
    page.keys("ArrowDown", "ArrowDown")
    inside, _ = stroke(frame, ((6, 17.5), (20, 17.5)), SLICE - 2)
    outside, _ = stroke(frame, ((6, 12), (20, 12)), SLICE - 2)
    page.keys("g")
    page.draw(inside)
    page.draw(outside, with_key="Control")
    page.keys("Enter")
    found = saved(page, server, "seeds")
    reached = found & (ct() == BAND_HU)
    assert np.count_nonzero(reached) > 0.9 * np.count_nonzero(ct() == BAND_HU)
    assert not (found & ~BASE["liver"] & (ct() != BAND_HU)).any()


def test_slices_between_two_drawn_ones_are_filled(begin, server):
    page = begin("between")
    frame = frame_of(page)
    page.keys("b")
    page.set("radius", RADIUS_MM)
    low, high = SLICE, SLICE + 5
    for index, place in ((low, (18, 14)), (high, (20, 16))):
        page.draw([frame.pixel((*place, index))])
        page.plane("axial").focus()
        if index == low:
            page.keys(*["ArrowUp"] * (high - low))
    drawn = saved(page, server, "between")
    page.keys("i")
    filled = saved(page, server, "between")
    wanted = naive.between(drawn, 2, low, high, SPACING_MM)
    assert (filled ^ drawn).any()
    assert wanted.differences(filled) == []


@pytest.mark.parametrize(("tool", "key"), [("grow", "Shift+G"), ("shrink", "Shift+S")])
def test_the_organ_grows_and_shrinks_by_a_distance(begin, server, tool, key):
    page = begin(tool)
    page.keys(key)
    change = naive.grown if tool == "grow" else naive.shrunk
    wanted = change(BASE["liver"], SPACING_MM, 1.0)
    np.testing.assert_array_equal(saved(page, server, tool), wanted)


def test_holes_are_filled(begin, server):
    page = begin("holes")
    page.keys("Shift+H")
    wanted = naive.filled(BASE["liver"])
    assert (wanted ^ BASE["liver"]).any()
    np.testing.assert_array_equal(saved(page, server, "holes"), wanted)


def test_the_piece_at_the_pointer_is_kept(begin, server):
    page = begin("keep")
    frame = frame_of(page)
    page.plane("axial").focus()
    page.keys(*["ArrowUp"] * 10)
    page.tab.mouse.move(*frame.pixel((13, 13, 16)))
    page.keys("k")
    np.testing.assert_array_equal(saved(page, server, "keep"), naive.pieces(BASE["liver"])[1])


def test_the_piece_at_the_pointer_is_removed(begin, server):
    page = begin("remove")
    frame = frame_of(page)
    page.plane("axial").focus()
    page.keys(*["ArrowUp"] * 10)
    page.tab.mouse.move(*frame.pixel((13, 13, 16)))
    page.keys("Shift+K")
    np.testing.assert_array_equal(saved(page, server, "remove"), naive.pieces(BASE["liver"])[0])


def test_the_surface_is_smoothed_by_a_gaussian(begin, server):
    page = begin("smooth")
    page.keys("m")
    assert naive.smooth(BASE["liver"], SPACING_MM, 1.5).differences(saved(page, server, "smooth")) == []


def test_the_hot_spot_is_copied_from_another_network(begin, server):
    page = begin("copy")
    page.tab.get_by_test_id("compare-source").select_option("predicted:second")
    page.tab.locator("[data-testid=compare-flicker]:enabled").wait_for()
    page.plane("axial").focus()
    page.keys("c")
    wanted = BASE["liver"].copy()
    spot = tuple(slice(at - 1, at + 2) for at in LANDMARKS[0])
    wanted[spot] = PageAtlas.second_masks_of_all()["liver"][spot]
    assert wanted[spot].any()
    np.testing.assert_array_equal(saved(page, server, "copy"), wanted)


def test_kidneys_are_swapped(begin, server):
    page = begin("swap")
    page.keys("Shift+X")
    save = page.save()
    left, right = (voxels(saved_mask(server.root, "swap", name, save)) for name in KIDNEYS)
    np.testing.assert_array_equal(left, BASE["kidney_right"])
    np.testing.assert_array_equal(right, BASE["kidney_left"])


def test_a_piece_is_handed_to_the_organ_that_it_touches(begin, server):
    page = begin("hand-over")
    frame = frame_of(page)
    page.plane("axial").focus()
    page.keys(*["ArrowUp"] * 10)
    page.tab.mouse.move(*frame.pixel((13, 13, 16)))
    page.keys("Shift+T")
    large, small = naive.pieces(BASE["liver"])
    save = page.save()
    liver, spleen = (voxels(saved_mask(server.root, "hand-over", name, save)) for name in ("liver", "spleen"))
    np.testing.assert_array_equal(liver, large)
    np.testing.assert_array_equal(spleen, BASE["spleen"] | small)


def test_sixty_strokes_are_undone_and_redone(begin, server):
    page = begin("undo")
    frame = frame_of(page)
    page.keys("b")
    page.set("radius", 1)
    hashes = [page.mask_hash()]
    for n in range(60):  # on a lattice away from the liver, so that each one changes something
        place = frame.pixel((2 + n % 8, 11 + n // 8, SLICE))
        page.tab.mouse.click(*place)
        if n % 12 == 11:
            page.settle()
            hashes.append(page.mask_hash())
    assert len(set(hashes)) == 6
    for key, following in (("z", hashes[-2::-1]), ("Shift+Z", hashes[1:])):
        for one in following:
            for _ in range(12):
                page.tab.keyboard.press(key)
            page.settle()
            page.tab.wait_for_function(
                "one => window.omentumPage.maskHash().then(now => now === one)", arg=one
            )


def test_a_locked_organ_keeps_its_voxels(begin, server):
    page = begin("locked")
    frame = frame_of(page)
    page.tab.get_by_test_id("lock-spleen").click()
    page.keys("b", "Shift+B")
    page.set("radius", RADIUS_MM)
    page.plane("axial").focus()
    page.keys(*["ArrowUp"] * 8)
    pixels, path = stroke(frame, ((4, 12), (12, 16)), SLICE + 8)
    page.draw(pixels)
    added = saved(page, server, "locked") & ~BASE["liver"]
    assert (painted(path, across=None) & ~BASE["liver"] & ~BASE["spleen"]).differences(added) == []
    assert not list((server.root / "cases/locked/revisions").glob("spleen/*"))
