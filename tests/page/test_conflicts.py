"""Where another mask is there by now, both are kept or theirs is taken; an earlier mask can stand again."""

import hashlib
from typing import Any

import numpy as np
import pytest

from browsing.driver import Page
from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import saved_mask, voxels
from omentum.project.project import opened
from omentum.review.hand_in import HandIn, hand_in
from omentum.store.tasks import pool_of

CASES = ("both", "theirs", "restored")
BASE = PageAtlas.masks_of_all()["liver"]
BESIDE = (LANDMARKS[0][0] + 1, *LANDMARKS[0][1:])
THEIRS = BASE.copy()
THEIRS[LANDMARKS[0]] = True


@pytest.fixture(scope="module")
def server(serve):
    return serve(*(Wanted(name) for name in CASES))


def draw(page: Page, voxel: tuple[int, ...]) -> None:
    page.draw([page.client_of("axial", voxel)])


def begin(page: Page, case_id: str) -> None:
    page.open(CASES.index(case_id) + 1)
    page.keys("b")
    page.set("radius", 0)


def conflict(enter: Any, server: Any, case_id: str) -> Page:
    """Draw, and let another reader hand a mask in before it is saved, so that the page asks."""
    page = enter(server)
    page.may_complain = "409"
    begin(page, case_id)
    draw(page, BESIDE)
    task = CASES.index(case_id) + 1
    with opened(server.root) as project:
        assert project.store.leases.give_back(pool_of(1), str(task), "anna")
        hand_in(
            project,
            [HandIn(case_id=case_id, organ="liver", mask=THEIRS, reader="ben", task_number=task)],
        )
    assert page.save()["kind"] == "stale-base"
    return page


def answer(page: Page, said: str) -> None:
    page.tab.get_by_test_id("dialog-ask").get_by_role("button", name=said).click()


def test_both_masks_are_kept_and_a_person_decides(enter, server):
    page = conflict(enter, server, "both")
    with page.tab.expect_response("**/api/tasks/1/save") as response:
        answer(page, "Keep both")
    save = page.handed_in(response.value.json()["save"])
    mask = voxels(saved_mask(server.root, "both", "liver", save))
    assert [tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)] == [BESIDE]
    with opened(server.root) as project:
        earlier, later = project.store.revisions.of_task(1)
        assert (earlier.reader, later.reader) == ("ben", "anna")
        assert later.conflicts_with == earlier.number


def test_the_other_mask_is_taken(enter, server):
    page = conflict(enter, server, "theirs")
    answer(page, "Take theirs")
    page.tab.wait_for_function("() => window.omentumPage.isUnsaved === false")
    page.wait_for_task(2)
    assert page.mask_hash() == hash_of(THEIRS)
    assert page.state()["draftPlace"] == "none"
    with opened(server.root) as project:
        assert [one.reader for one in project.store.revisions.of_task(2)] == ["ben"]


def hash_of(mask: np.ndarray) -> str:
    """Hash a mask as the page does: one bit a voxel, first axis fastest, lowest bit first."""
    return hashlib.sha256(np.packbits(mask.ravel(order="F"), bitorder="little").tobytes()).hexdigest()


def test_an_earlier_mask_is_compared_and_stands_again(enter, server):
    page = enter(server)
    page.may_complain = "409"  # the task is answered, so that it cannot be claimed again
    begin(page, "restored")
    page.load_whole()  # a hash is of what is loaded
    shown = page.mask_hash()
    draw(page, LANDMARKS[0])
    page.save()
    page.keys("Shift+R")
    history = page.tab.get_by_test_id("dialog-history")
    history.get_by_role("row").first.wait_for()
    rows = history.get_by_role("row").all_inner_texts()
    assert any("prediction" in one for one in rows)
    assert any("revision" in one and "anna" in one for one in rows)
    history.get_by_role("button", name="Compare with the prediction").click()
    page.tab.get_by_test_id("notices").get_by_text("Comparing with").wait_for()
    page.keys("Shift+R")
    page.tab.get_by_test_id("restore-predicted").click()
    answer(page, "Restore")
    page.tab.get_by_test_id("notices").get_by_text("Restored: the earlier mask").wait_for()
    page.load_whole()
    assert page.mask_hash() == shown
    told = page.tab.request.get(f"{server.origin}/api/cases/restored/organs/liver/history").json()
    assert told["stands"] == "predicted"
