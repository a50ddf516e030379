"""People come in by name and password, go on after a session has ended, and admins keep their accounts."""

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from browsing.driver import Page
from fixtures.page_atlas import Wanted
from fixtures.people import password_of
from omentum.project.accounts import change_person, hashed_token
from omentum.project.project import opened
from omentum.records.people import AccessToken, Role

PEOPLE = {"root": Role.ADMIN, "anna": Role.READER, "ben": Role.READER, "carl": Role.READER}
ANSWERED = """() => {
    const { disabled, textContent } = document.querySelector('.login button');
    return !disabled || textContent.startsWith('Wait');
}"""


@pytest.fixture(scope="module")
def server(serve):
    spare = [f"spare-{n}" for n in range(8)]  # a page that is closed at once may hold the task after its own
    return serve(*(Wanted(name) for name in ("ended", "other", *spare)), people=PEOPLE)


def end_session(page: Page) -> None:
    """End the session at the server, as its time does, and leave the page as it is."""
    headers = {"Origin": page.server.origin}
    assert page.tab.request.post(page.server.origin + "/api/logout", headers=headers).ok


def draw_landmark(page: Page) -> None:
    page.keys("b")
    page.set("radius", 0)
    page.draw([page.white("axial")[0]])


def form_of(page: Page):
    return page.tab.get_by_test_id("login")


def test_a_wrong_password_is_said_in_words_and_the_right_one_opens_the_page(chromium, server):
    with Page._context(chromium) as context:
        page = Page.in_tab(context, server)
        page.may_complain = "401"
        page.tab.goto(server.origin)
        page.log_in("anna", "anna reads without")
        said = form_of(page).get_by_role("alert")
        said.filter(has_text="password").wait_for()
        for name in ("username", "current-password"):
            assert form_of(page).locator(f"[autocomplete={name}]").count() == 1
        page.log_in("anna", password_of("anna"))
        page.wait_for_task()
        assert page.tab.get_by_test_id("reader").inner_text().startswith("anna")
        page.require_quiet()


def test_too_many_tries_make_the_form_wait(chromium, server):
    with Page._context(chromium) as context:
        page = Page.in_tab(context, server)
        page.may_complain = "401|429"
        page.tab.goto(server.origin)
        button = form_of(page).get_by_role("button")
        for _ in range(20):
            page.log_in("nobody", "is called so here")
            page.tab.wait_for_function(ANSWERED)
            if button.inner_text().startswith("Wait"):
                break
        assert button.inner_text().startswith("Wait")
        assert button.is_disabled()
        page.require_quiet()


def test_work_goes_on_after_a_login_where_the_session_ended(log_in, server):
    page = log_in(server, "anna")
    page.open(1)
    draw_landmark(page)
    drawn = page.mask_hash()
    end_session(page)
    page.tab.keyboard.press("s")
    form = form_of(page)
    form.wait_for()
    assert form.get_by_label("Name").input_value() == "anna"
    assert page.mask_hash() == drawn
    with page.tab.expect_response(lambda one: one.url.endswith("/save") and one.ok) as answer:
        page.log_in("anna", password_of("anna"))
    form.wait_for(state="detached")
    save = page.handed_in(answer.value.json()["save"])
    assert [one["organ"] for one in save["revisions"]] == ["liver"]
    assert page.mask_hash() == drawn


def test_another_person_gets_a_fresh_page_and_the_first_finds_the_work_again(log_in, server):
    page = log_in(server, "anna")
    page.may_complain = "401|net::ERR"
    page.open(2)
    page.tab.route("**/drafts/tab-*", lambda route: route.abort())
    draw_landmark(page)
    drawn = page.mask_hash()
    page.tab.wait_for_function("() => window.omentumPage.draftPlace === 'browser'")
    end_session(page)
    page.tab.unroute("**/drafts/tab-*")
    form_of(page).wait_for()  # the draft is sent again, and is refused
    page.log_in("ben", password_of("ben"))
    form_of(page).wait_for(state="detached")
    page.tab.wait_for_function("() => window.omentumPage?.isUnsaved === false")
    page.wait_for_task()
    assert page.tab.get_by_test_id("reader").inner_text().startswith("ben")
    assert page.state()["draftPlace"] == "none"
    page.tab.get_by_test_id("reader").click()
    page.tab.get_by_test_id("log-out").click()
    page.log_in("anna", password_of("anna"))
    form_of(page).wait_for(state="detached")
    page.wait_for_task()
    page.open(2)
    page.tab.wait_for_function("() => window.omentumPage.isUnsaved")
    assert page.mask_hash() == drawn
    page.save()


def test_a_session_is_over_after_logout(log_in, server):
    page = log_in(server, "ben")
    page.wait_for_task()
    cookies = page.tab.context.cookies()
    page.tab.get_by_test_id("reader").click()
    page.tab.get_by_test_id("log-out").click()
    form_of(page).wait_for()
    page.tab.context.add_cookies(cookies)
    assert page.tab.request.get(server.origin + "/api/queue").status == 401


def test_a_reader_is_kept_out_of_the_page_of_admins(log_in, server):
    page = log_in(server, "ben", "/people.html")
    page.tab.get_by_text("This page is for admins").wait_for()
    assert page.tab.locator("[data-testid^=person-]").count() == 0
    assert page.tab.get_by_role("link", name="People").count() == 0
    assert page.tab.request.get(server.origin + "/api/people").status == 403


def test_an_admin_adds_a_person_and_ends_the_sessions_of_one_who_is_disabled(log_in, server):
    admin = log_in(server, "root", "/people.html")
    form = admin.tab.get_by_role("form", name="Add a person")
    form.get_by_label("Name").fill("dora")
    form.get_by_label("First password").fill(password_of("dora"))
    form.get_by_role("button", name="Add").click()
    row = admin.tab.get_by_test_id("person-dora")
    row.wait_for()
    new = log_in(server, "dora")
    new.tab.get_by_test_id("reader").wait_for()
    row.get_by_role("button", name="Disable dora").click()
    row.get_by_text("disabled").wait_for()
    new.may_complain = "401"
    new.tab.reload()
    form_of(new).wait_for()


def test_a_token_is_shown_once_and_lets_a_program_in_until_it_is_revoked(log_in, server):
    page = log_in(server, "carl", "/account.html")
    form = page.tab.get_by_role("form", name="Make a token")
    form.get_by_label("Program").fill("slicer")
    form.get_by_role("button").click()
    token = page.tab.get_by_test_id("new-token").inner_text()
    assert status_with(server, token) == 200
    page.tab.reload()
    page.tab.get_by_role("button", name="Revoke slicer").wait_for()
    assert token not in page.tab.content()
    page.tab.get_by_role("button", name="Revoke slicer").click()
    page.tab.get_by_text("revoked").first.wait_for()
    assert status_with(server, token) == 401


def test_a_token_that_has_ended_or_is_foreign_lets_nobody_in(log_in, server):
    past = datetime.now(UTC) - timedelta(days=1)
    with opened(server.root) as project:
        old = AccessToken(
            person="carl", label="old", sha256=hashed_token("omt_old"), time=past - timedelta(1), until=past
        )
        project.store.tokens.add(old, "carl")
    page = log_in(server, "carl", "/account.html")
    page.tab.get_by_role("row", name="old").get_by_text("ended").wait_for()
    assert page.tab.get_by_role("button", name="Revoke old").count() == 0
    assert [status_with(server, one) for one in ("omt_old", "omt_of_another_server")] == [401, 401]


def test_a_new_password_ends_the_other_sessions_and_not_this_one(log_in, server):
    other = log_in(server, "carl")
    page = log_in(server, "carl", "/account.html")
    form = page.tab.get_by_role("form", name="Change the password")
    form.get_by_label("Password now").fill(password_of("carl"))
    form.get_by_label("New password", exact=True).fill("another one of carl")
    form.get_by_label("New password again").fill("another one of carl")
    form.get_by_role("button").click()
    page.tab.get_by_text("The password is changed").wait_for()
    assert page.tab.request.get(server.origin + "/api/session").ok
    assert other.tab.request.get(server.origin + "/api/session").status == 401
    with opened(server.root) as project:
        change_person(project.store, "carl", password=password_of("carl"))


def status_with(server, token: str) -> int:
    """Give the status of a request that a program makes with a token."""
    request = urllib.request.Request(
        server.origin + "/api/queue", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_page_of_another_site_cannot_post_in_the_name_of_who_is_logged_in(chromium, server):
    posts = f'<form method="post" action="{server.origin}/api/logout"></form>'
    submits = "<script>document.forms[0].submit()</script>"
    elsewhere = "http://elsewhere.example/"
    with Page._context(chromium) as context:
        page = Page.in_tab(context, server)
        page.tab.goto(server.origin)
        page.log_in("anna", password_of("anna"))
        page.wait_for_task()
        page.tab.route(elsewhere, lambda route: route.fulfill(body=posts + submits, content_type="text/html"))
        with page.tab.expect_response(lambda one: one.url.endswith("/api/logout")) as answer:
            page.tab.goto(elsewhere, wait_until="commit")
        assert answer.value.status == 403
        page.tab.wait_for_url("**/api/logout")
        page.tab.goto(server.origin)
        page.wait_for_task()
