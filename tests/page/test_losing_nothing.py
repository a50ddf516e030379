"""Work is never lost: not by another tab, nor by a dead server or browser, nor by a lease that ends."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from browsing.driver import Page
from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import saved_mask, voxels
from omentum.project.project import opened
from omentum.store.tasks import pool_of

CASES = ("tabs", "killed", "lease")
BASE = PageAtlas.masks_of_all()["liver"]
BESIDE = (LANDMARKS[0][0] + 1, *LANDMARKS[0][1:])
"""The voxel to the patient's left of the landmark's middle."""


@pytest.fixture(scope="module")
def server(serve):
    return serve(*(Wanted(name) for name in CASES))


def begin(page: Page, case_id: str) -> None:
    page.open(CASES.index(case_id) + 1)
    page.keys("b")
    page.set("radius", 0)


def draw_landmark(page: Page, *, beside: bool = False) -> None:
    """Draw the landmark's middle, or the voxel beside it."""
    x, y = page.white("axial")[0]
    if beside:
        (left, _), (right, _) = (page.client_of("axial", voxel) for voxel in (LANDMARKS[0], BESIDE))
        x += right - left
    page.draw([(x, y)])


def wait_for_draft(page: Page, place: str) -> None:
    page.tab.wait_for_function("place => window.omentumPage.draftPlace === place", arg=place)


def changed(server, case_id: str, save: dict[str, Any]) -> set[tuple[int, ...]]:
    """List the voxels in which a save differs from the mask that was loaded."""
    found = voxels(saved_mask(server.root, case_id, "liver", save)) ^ BASE
    return {tuple(map(int, one)) for one in np.argwhere(found)}


def test_the_second_of_two_tabs_is_asked_and_the_work_of_both_is_kept(enter, server):
    first = enter(server)
    begin(first, "tabs")
    second = Page.in_tab(first.tab.context, server)
    begin(second, "tabs")
    draw_landmark(first)
    assert first.save()["state"] == "done"
    draw_landmark(second, beside=True)
    second.may_complain = "409"
    refused = second.save()
    assert (refused["status"], refused["kind"]) == (409, "stale-base")
    drafts = second.tab.request.get(f"{server.origin}/api/tasks/1/drafts").json()
    assert refused["draft"] in [one["draft"] for one in drafts]
    with second.tab.expect_response("**/api/tasks/1/save") as answer:
        second.tab.get_by_test_id("dialog-ask").get_by_role("button", name="Put mine on top").click()
    save = second.handed_in(answer.value.json()["save"])
    assert changed(server, "tabs", save) == {LANDMARKS[0], BESIDE}
    kept = list((server.root / "cases/tabs/revisions/liver").glob("*.nii.gz"))
    assert len(kept) == 2
    second.require_quiet()


def test_a_killed_server_and_a_closed_tab_lose_no_stroke(enter, server):
    page = enter(server)
    page.may_complain = "net::ERR|Failed to (load|fetch)"
    begin(page, "killed")
    draw_landmark(page)
    wait_for_draft(page, "server")
    server.kill()
    draw_landmark(page, beside=True)
    wait_for_draft(page, "browser")
    server.start()
    context = page.tab.context
    page.tab.close()
    again = Page.in_tab(context, server)
    again.may_complain = page.may_complain
    again.open(CASES.index("killed") + 1)
    again.tab.wait_for_function("() => window.omentumPage.isUnsaved")
    assert changed(server, "killed", again.save()) == {LANDMARKS[0], BESIDE}
    again.require_quiet()


def test_a_lease_that_ends_while_drawing_loses_nothing(enter, server):
    task = CASES.index("lease") + 1
    page = enter(server)
    page.may_complain = "409"
    page.tab.clock.install()
    begin(page, "lease")
    draw_landmark(page)
    with opened(server.root) as project:
        leases, pool = project.store.leases, pool_of(1)
        assert leases.give_back(pool, str(task), "anna")
        assert leases.claim(pool, "ben", 1, timedelta(minutes=30), keys=[str(task)])
    page.tab.clock.fast_forward(6 * 60_000)
    page.tab.get_by_test_id("notices").get_by_text("has ended").wait_for()
    draw_landmark(page, beside=True)
    assert changed(server, "lease", page.save()) == {LANDMARKS[0], BESIDE}
