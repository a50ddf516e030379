"""Take the docs' pictures of the review page. Run: cd benchmarks; python -m browsing.pictures.

In:  the CT `hcc_tace_006` beside the checkout, predicted and scored as users do it.
Out: `docs/pictures/review-page.png` and `docs/pictures/review-dashboard.png`.
The CT is HCC_006 of TCIA's HCC-TACE-Seg (CC BY 4.0, doi 10.7937/TCIA.5FNA-0924); the docs cite it below them.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.server import ReviewServer, serving
from shared import data_folder

__all__ = ["main"]

CASE = "hcc_tace_006"
SIZE = (1280, 800)
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def prepare(root: Path, ct: Path) -> None:
    """Make the project by the commands of the docs."""
    for command in (["init", str(root)], ["add", str(ct)], ["predict"], ["score"]):
        place = [] if command[0] == "init" else ["-C", str(root)]
        subprocess.run([sys.executable, "-m", "omentum", *place, *command], check=True)


def take(server: ReviewServer, page: Page) -> None:
    """Take both pictures: the first hot spot of the first task, and the dashboard."""
    page.wait_for_task()
    page.load_whole()
    page.tab.mouse.move(SIZE[0] / 2, SIZE[1] - 5)
    page.tab.screenshot(path=PICTURES / "review-page.png")
    page.tab.goto(f"{server.origin}/dashboard.html")
    page.tab.wait_for_load_state("networkidle")
    page.tab.screenshot(path=PICTURES / "review-dashboard.png")


def main() -> None:
    """Take the pictures, of a project that is there already if one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a project of this CT, predicted and scored")
    given = parser.parse_args()
    folder = data_folder()
    why = why_no_page() or ("" if folder else "there is no shared data beside the checkout")
    if why or folder is None:
        sys.exit(f"the pictures cannot be taken: {why}")
    with tempfile.TemporaryDirectory() as made:
        root: Path = given.project or Path(made) / "project"
        if given.project is None:
            prepare(root, folder / CASE / "dicom")
        with (
            serving(root) as server,
            browser() as chromium,
            Page.entered(chromium, server, size=SIZE) as page,
        ):
            take(server, page)


if __name__ == "__main__":
    main()
