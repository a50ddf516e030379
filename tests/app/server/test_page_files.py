"""Where the page is not built, the server says how to build it."""

import pytest

from omentum.app.server.page_files import how_to_build


def test_the_first_address_says_how_to_build_a_missing_page(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert "make page" in answer.text


def test_the_terminal_says_it_too_and_nothing_once_the_page_is_there(tmp_path):
    assert "make page" in how_to_build(tmp_path)
    (tmp_path / "index.html").write_text("<html>")
    assert how_to_build(tmp_path) == ""


@pytest.mark.parametrize("path", ["/", "/entered"])
def test_pages_of_the_server_itself_send_no_browser_to_look_for_an_icon(client, path):
    assert '<link rel="icon" href="data:,">' in client.get(path).text
