"""Two readers and an adjudicator: a task that is read twice goes from both readings to a release."""

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from browsing.driver import Page
from fixtures.axe import violations
from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import voxels
from omentum.project.project import opened
from omentum.project.standing import facts_of_case, standing_case
from omentum.records import TaskState
from omentum.records.people import Role
from omentum.review.decide import confirm
from omentum.review.hand_in import HandIn, hand_in

PEOPLE = {
    "root": Role.ADMIN,
    "anna": Role.READER,
    "ben": Role.READER,
    "carl": Role.READER,
    "judge": Role.ADJUDICATOR,
}
CASES = ("released", "edited", "three", "found")
ORGAN = "liver"
BASE = PageAtlas.masks_of_all()[ORGAN]
BESIDE = (LANDMARKS[0][0] + 1, *LANDMARKS[0][1:])
"""The voxel to the patient's left of the landmark's middle."""
SKY_BLUE, ORANGE = (86, 180, 233), (230, 159, 0)


@pytest.fixture(scope="module")
def server(serve):
    """Readings of all tasks but the first are there."""
    wanted = [Wanted(name, organ=ORGAN, n_readings=3 if name == "three" else 2) for name in CASES]
    server = serve(*wanted, people=PEOPLE)
    with opened(server.root) as project:
        for name in CASES[1:]:
            hand_in_readings(project, name)
    return server


def hand_in_readings(project, case_id: str) -> None:
    """Hand in readings that differ by one voxel each."""
    task = CASES.index(case_id) + 1
    added = {"anna": [LANDMARKS[0]], "ben": [BESIDE], "carl": [LANDMARKS[0], BESIDE]}
    for reader in ("anna", "ben", "carl")[: 3 if case_id == "three" else 2]:
        mask = BASE.copy()
        mask[tuple(np.transpose(added[reader]))] = True
        hand_in(project, [HandIn(case_id=case_id, organ=ORGAN, mask=mask, reader=reader, task_number=task)])
    assert project.store.tasks.get(task).state is TaskState.IN_ADJUDICATION


def adjudicating(page: Page, case_id: str) -> None:
    """Open a task from the list of those that wait."""
    task = CASES.index(case_id) + 1
    page.tab.goto("about:blank")
    page.tab.goto(page.server.origin + "/adjudications.html")
    page.tab.get_by_test_id(f"adjudicate-{task}").click()
    page.wait_for_task(task)
    page.tab.get_by_test_id("readings").wait_for()
    page.settle()


def standing(server, case_id: str) -> tuple[np.ndarray, str]:
    """Confirm that the small organ is no error, and give the mask that stands and its reader."""
    with opened(server.root) as project:
        for held in standing_case(facts_of_case(project, case_id)).held:
            for finding in held.findings:
                confirm(project, finding.rule, [case_id], organs=[held.organ], by="root")
        masks = standing_case(facts_of_case(project, case_id)).masks
        stands = next(one for one in masks if one.organ == ORGAN)
        assert stands.revision is not None
        return voxels(nib.load(stands.revision.path)), stands.revision.reader


def has_colour(page: Page, plane: str, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(page.pixels(plane).astype(int) - colour).max(axis=2) < 12).any())


def test_a_task_that_is_read_twice_goes_from_two_readers_by_an_adjudicator_to_a_release(log_in, server):
    for reader, voxel in (("anna", LANDMARKS[0]), ("ben", BESIDE)):
        page = log_in(server, reader)
        page.open(1)
        page.keys("b")
        page.set("radius", 0)
        page.draw([page.client_of("axial", voxel)])
        assert page.save()["state"] == "done"
        other = {"anna": "ben", "ben": "anna"}[reader]
        assert other not in page.tab.locator("body").inner_text()
    judge = log_in(server, "judge", "/adjudications.html")
    adjudicating(judge, "released")
    said = judge.tab.locator("body").inner_text()
    assert not [reader for reader in ("anna", "ben") if reader in said]
    judge.keys("Shift+A")
    with judge.tab.expect_response("**/decide") as answer:
        judge.tab.keyboard.press("2")
    assert answer.value.ok
    judge.wait_for_task()
    mask, reader = standing(server, "released")
    assert reader == "ben"
    assert [tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)] == [BESIDE]
    liver = released_lineage(server, "released")["organs"][ORGAN]
    assert liver["revision_sha256"] == revision_sha256(server, "released", "ben")
    assert liver["decided_by"]["kind"] == "adjudicate"
    assert not {liver["reader"], liver["decided_by"]["by"]} & set(PEOPLE)


def revision_sha256(server, case_id: str, reader: str) -> str:
    with opened(server.root) as project:
        return next(one.sha256 for one in project.store.revisions.of_case(case_id) if one.reader == reader)


def released_lineage(server, case_id: str) -> dict:
    """Make a release by the command, and read the lineage of a case."""
    command = [sys.executable, "-m", "omentum", "-C", str(server.root), "assemble", "--version", "V1"]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (found,) = server.root.glob(f"releases/V1/**/{case_id}/lineage.json")
    return json.loads(found.read_text(encoding="utf-8"))


def test_readings_are_drawn_in_two_colours_and_one_is_shown_alone(log_in, server):
    judge = log_in(server, "judge", "/adjudications.html")
    adjudicating(judge, "found")
    judge.zoom(4, judge.client_of("axial", LANDMARKS[0]))
    assert [has_colour(judge, "axial", one) for one in (SKY_BLUE, ORANGE)] == [True, True]
    judge.keys("y")
    assert [has_colour(judge, "axial", one) for one in (SKY_BLUE, ORANGE)] == [True, False]
    judge.keys("y")
    assert [has_colour(judge, "axial", one) for one in (SKY_BLUE, ORANGE)] == [False, True]
    judge.keys("u")
    assert judge.tab.get_by_test_id("reading-common").get_attribute("aria-pressed") == "true"
    judge.keys("u")
    assert [has_colour(judge, "axial", one) for one in (SKY_BLUE, ORANGE)] == [True, True]
    spots = judge.tab.locator("[data-testid^=spot-]")
    assert "A holds" in spots.first.inner_text() or "B holds" in spots.first.inner_text()
    judge.keys("Space", "a", "a", "a")
    judge.tab.get_by_text("Which mask of Liver stands?").wait_for()
    judge.keys("Escape")


def test_an_edit_that_begins_with_a_reading_stands_once_it_is_saved(log_in, server):
    judge = log_in(server, "judge", "/adjudications.html")
    adjudicating(judge, "edited")
    judge.keys("b")
    judge.set("radius", 0)
    at = judge.client_of("axial", LANDMARKS[0])
    judge.draw([at])
    judge.tab.get_by_test_id("notices").get_by_text("Press R").wait_for()
    judge.keys("r")
    judge.keys("2")
    judge.wait_for_task(CASES.index("edited") + 1)
    judge.tab.get_by_text("Your edit is the filled mask").wait_for()
    judge.draw([judge.client_of("axial", LANDMARKS[0])])
    with judge.tab.expect_response("**/api/adjudications/*/save") as answer:
        judge.keys("s")
    judge.handed_in(answer.value.json()["save"])
    mask, reader = standing(server, "edited")
    assert reader == "judge"
    assert {tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)} == {LANDMARKS[0], BESIDE}


def test_an_edit_that_was_not_saved_is_there_again_with_the_reading_it_began_with(log_in, server):
    judge = log_in(server, "judge", "/adjudications.html")
    adjudicating(judge, "found")
    judge.keys("r")
    judge.keys("1")
    judge.tab.get_by_text("Your edit is the filled mask").wait_for()
    judge.keys("b")
    judge.set("radius", 0)
    judge.draw([judge.client_of("axial", BESIDE)])
    drawn = judge.mask_hash()
    judge.tab.wait_for_function("() => window.omentumPage.draftPlace === 'server'")
    adjudicating(judge, "found")
    judge.tab.wait_for_function("() => window.omentumPage.isUnsaved")
    assert judge.mask_hash() == drawn


def test_three_readings_have_a_majority_that_can_stand(log_in, server):
    judge = log_in(server, "judge", "/adjudications.html")
    adjudicating(judge, "three")
    judge.keys("Shift+A")
    dialog = judge.tab.get_by_test_id("dialog-ask")
    for said in ("Take A", "Take B", "Take C", "Take the common part", "Take the STAPLE estimate"):
        assert dialog.get_by_role("button", name=said).count() == 1
    with judge.tab.expect_response("**/decide") as answer:
        dialog.get_by_role("button", name="Take the majority").click()
    assert answer.value.ok
    mask, reader = standing(server, "three")
    assert reader == "judge"
    assert {tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)} == {LANDMARKS[0], BESIDE}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_in_the_pages_of_many_readers(log_in, server, scheme):
    page = log_in(server, "root", "/people.html", scheme=scheme)
    page.tab.get_by_role("button", name="New password for anna").click()
    page.tab.get_by_role("button", name="Tokens of ben").click()
    assert violations(page) == []
    for path, shown in (("account", "Make a token"), ("dashboard", "What is due")):
        page.tab.goto(f"{server.origin}/{path}.html")
        page.tab.get_by_text(shown).first.wait_for()
        assert violations(page) == []
    page.tab.goto(f"{server.origin}/adjudications.html")
    page.tab.get_by_test_id("adjudicate-4").wait_for()
    assert violations(page) == []
    adjudicating(page, "found")
    if scheme == "light":
        page.keys("Shift+L")
    assert violations(page) == []
    page.tab.get_by_test_id("reader").click()
    page.tab.get_by_test_id("log-out").click()
    page.tab.get_by_test_id("login").wait_for()
    assert violations(page) == []


def test_readers_are_kept_out_of_adjudication(log_in, server):
    page = log_in(server, "carl", "/adjudications.html")
    page.tab.get_by_text("This page is for adjudicators").wait_for()
    origin = server.origin
    assert page.tab.request.get(f"{origin}/api/adjudications").status == 403
    assert page.tab.request.get(f"{origin}/api/adjudications/4").status == 403
