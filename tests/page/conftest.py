"""The review page in Chromium; tests skip where Chromium, Playwright or the built page is absent."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.server import ReviewServer, serving
from fixtures.page_atlas import Wanted, page_atlas


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
    """Function: make a project with the tasks that are wanted, and serve it: `serve(Wanted("a"))`."""
    with ExitStack() as stack:

        def start(*wanted: Wanted) -> ReviewServer:
            root = tmp_path_factory.mktemp("page") / "atlas"
            page_atlas(root, *wanted)
            return stack.enter_context(serving(root))

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
