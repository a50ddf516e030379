"""Time NiiVue's own load of a CT, as a page without ours would do it.

In:  a browser that was let in, and a case.
Out: seconds from the request of the file to NiiVue's first frame in three planes.
"""

from pathlib import Path
from typing import Any

__all__ = ["niivue_seconds"]

_NIIVUE = Path(__file__).resolve().parents[2] / "web/node_modules/@niivue/niivue/dist/index.js"
_FOLDER = "/niivue-alone/"
_HTML = "<!doctype html><canvas id='view' width='1024' height='768'></canvas>"
_LOAD = """async ([library, ct]) => {
  const { Niivue, SLICE_TYPE, SHOW_RENDER } = await import(library);
  const view = new Niivue({
    sliceType: SLICE_TYPE.MULTIPLANAR, multiplanarShowRender: SHOW_RENDER.NEVER, dragAndDropEnabled: false,
  });
  await view.attachToCanvas(document.getElementById('view'));
  const began = performance.now();
  await view.loadVolumes([{ url: ct, colormap: 'gray', cal_min: -160, cal_max: 240 }]);
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return (performance.now() - began) / 1000;
}"""


def niivue_seconds(context: Any, origin: str, case_id: str) -> float | None:
    """Load the CT in a tab of its own; `None` where `npm ci` was not run in `web/`."""
    if not _NIIVUE.is_file():
        return None
    tab = context.new_page()
    tab.route(f"**{_FOLDER}index.html", lambda route: route.fulfill(body=_HTML, content_type="text/html"))
    tab.route(
        f"**{_FOLDER}niivue.js", lambda route: route.fulfill(path=_NIIVUE, content_type="text/javascript")
    )
    tab.goto(f"{origin}{_FOLDER}index.html")
    ct = f"{origin}/api/cases/{case_id}/ct.nii.gz"
    seconds = float(tab.evaluate(_LOAD, [f"{origin}{_FOLDER}niivue.js", ct]))
    tab.close()
    return seconds
