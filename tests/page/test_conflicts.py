"""Where another mask is there by now, both are kept or theirs is taken; an earlier mask can stand again."""

from typing import Any

import numpy as np
import pytest

from browsing.driver import Page
from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import saved_mask, voxels
from omentum.project.project import opened
from omentum.records import TaskState

CASES = ("both", "theirs", "restored")
BASE = PageAtlas.masks_of_all()["liver"]
BESIDE = (LANDMARKS[0][0] + 1, *LANDMARKS[0][1:])


@pytest.fixture(scope="module")
def server(serve):
    return serve(*(Wanted(name) for name in CASES))


def draw(page: Page, voxel: tuple[int, ...]) -> None:
    page.draw([page.client_of("axial", voxel)])


def begin(page: Page, case_id: str) -> None:
    page.open(CASES.index(case_id) + 1)
    page.keys("b")
    page.set("radius", 0)


def conflict(enter: Any, server: Any, case_id: str) -> tuple[Page, Page]:
    """Let two tabs draw from the same mask; the first one saves, and the second one is asked."""
    first = enter(server)
    begin(first, case_id)
    second = Page.in_tab(first.tab.context, server)
    second.may_complain = "409"
    begin(second, case_id)
    draw(first, LANDMARKS[0])
    assert first.save()["state"] == "done"
    draw(second, BESIDE)
    assert second.save()["kind"] == "stale-base"
    return first, second


def answer(page: Page, said: str) -> None:
    page.tab.get_by_test_id("dialog-ask").get_by_role("button", name=said).click()


def test_both_masks_are_kept_and_a_person_decides(enter, server):
    first, second = conflict(enter, server, "both")
    with second.tab.expect_response("**/api/tasks/1/save") as response:
        answer(second, "Keep both")
    save = second.handed_in(response.value.json()["save"])
    mask = voxels(saved_mask(server.root, "both", "liver", save))
    assert [tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)] == [BESIDE]
    second.wait_for_task(1)
    assert second.mask_hash() != first.mask_hash()  # a reader is shown the own last save
    with opened(server.root) as project:
        assert project.store.tasks.get(1).state is TaskState.IN_ADJUDICATION
        assert len(project.store.revisions.of_task(1)) == 2
    second.require_quiet()


def test_the_other_mask_is_taken_and_the_draft_goes(enter, server):
    first, second = conflict(enter, server, "theirs")
    answer(second, "Take theirs")
    second.tab.wait_for_function("() => window.omentumPage.isUnsaved === false")
    second.wait_for_task(2)
    assert second.mask_hash() == first.mask_hash()
    assert second.state()["draftPlace"] == "none"
    drafts = second.tab.request.get(f"{server.origin}/api/tasks/2/drafts").json()
    assert [one["why"] for one in drafts] in ([], ["stale-base"])
    with opened(server.root) as project:
        assert len(project.store.revisions.of_task(2)) == 1
    second.require_quiet()


def test_an_earlier_mask_is_compared_and_stands_again(enter, server):
    page = enter(server)
    begin(page, "restored")
    shown = page.mask_hash()
    draw(page, LANDMARKS[0])
    page.save()
    page.keys("Shift+R")
    history = page.tab.get_by_test_id("dialog-history")
    rows = history.get_by_role("row").all_inner_texts()
    assert any("prediction" in one for one in rows)
    assert any("revision" in one and "anna" in one for one in rows)
    history.get_by_role("button", name="Compare with the prediction").click()
    page.tab.get_by_test_id("notices").get_by_text("Comparing with").wait_for()
    page.keys("Shift+R")
    page.tab.get_by_test_id("restore-predicted").click()
    answer(page, "Restore")
    page.tab.get_by_test_id("notices").get_by_text("Restored").wait_for()
    page.settle()
    assert page.mask_hash() == shown
    told = page.tab.request.get(f"{server.origin}/api/cases/restored/organs/liver/history").json()
    assert told["stands"] == "predicted"
