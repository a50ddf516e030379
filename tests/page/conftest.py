"""The review page in Chromium; tests skip where Chromium, Playwright or the built page is absent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.server import ReviewServer, serving
from fixtures.page_atlas import Wanted, page_atlas
from fixtures.people import add_people, password_of
from omentum.records.people import Role


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    why = why_no_page() if own else ""
    for item in own:
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all tests of a process."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ReviewServer]]:
    """Function: make a project with the tasks that are wanted, and serve it: `serve(Wanted("a"))`.

    With `people`, roles by name, these log in; without, the server's link lets a browser in.
    """
    with ExitStack() as stack:

        def start(*wanted: Wanted, people: Mapping[str, Role] | None = None) -> ReviewServer:
            root = tmp_path_factory.mktemp("page") / "atlas"
            page_atlas(root, *wanted)
            add_people(root, people or {})
            return stack.enter_context(serving(root, has_people=bool(people)))

        yield start


Enter = Callable[..., Page]


@pytest.fixture
def enter(chromium: Any) -> Iterator[Enter]:
    """Function: open the page of a server in a browser of its own: `enter(server, pixel_ratio=2)`.

    At the end of the test nothing may be on the console, and no other host may have been asked.
    """
    with ExitStack() as stack:
        pages: list[Page] = []

        def open_page(server: ReviewServer, **options: Any) -> Page:
            pages.append(stack.enter_context(Page.entered(chromium, server, **options)))
            return pages[-1]

        yield open_page
        for one in pages:
            one.require_quiet()


@pytest.fixture
def log_in(chromium: Any) -> Iterator[Enter]:
    """Function: open a page of a server in a browser of its own, as a person: `log_in(server, "anna")`."""
    with ExitStack() as stack:
        pages: list[Page] = []

        def open_page(server: ReviewServer, name: str, path: str = "/", scheme: str = "dark") -> Page:
            password = password_of(name)
            come_in = Page.logged_in(chromium, server, name, password, path=path, scheme=scheme)
            pages.append(stack.enter_context(come_in))
            return pages[-1]

        yield open_page
        for one in pages:
            one.require_quiet()
