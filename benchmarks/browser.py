"""The page that paints in the visitor's browser: the webcam's rate, and photos beside Python.

    python benchmarks/browser.py --data DIR [--page browser/dist] [--seconds 15] [--out FILE.json]

Opens the page that `make browser` built in headless Chromium, once as `jaxnst web --browser` sends
it, with the headers that threads need (of two cores the page leaves one to the rest of the machine,
and has threads on more), and once without them. A simulated webcam of 60 frames per
second is painted at 320 x 240. Then a photo of DIR/content at 512 x 512 is painted by the page and
by ONNX Runtime in Python with the same graph and weights, taking turns.
"""

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import _record
import numpy as np
import onnxruntime
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from jaxnst.io.folders import list_images

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=60",
]  # fmt: skip
AIM = 8  # painted frames per second on two cores
WARM_UP = 3  # seconds
SIDE = 512
PATIENCE = 180_000  # milliseconds

# Each resolves when the page has said that something was painted.
RATE = """milliseconds => new Promise((resolve) => {
  let frames = 0;
  const watch = new MutationObserver(() => frames++);
  watch.observe(document.getElementById("status"), { childList: true });
  const begin = performance.now();
  setTimeout(() => resolve((1000 * frames) / (performance.now() - begin)), milliseconds);
})"""
REPAINT = """() => new Promise((resolve) => {
  const status = document.getElementById("status");
  const begin = performance.now();
  new MutationObserver((_, watch) => {
    if (!status.textContent.startsWith("Painted")) return;
    watch.disconnect();
    resolve(performance.now() - begin);
  }).observe(status, { childList: true });
  document.getElementById("strength").dispatchEvent(new Event("input", { bubbles: true }));
})"""


def main() -> None:
    """Prints rates and times."""
    parser = _record.parser(__doc__)
    built = _record.ROOT / "browser" / "dist"
    parser.add_argument("--page", type=Path, default=built, help="what `make browser` built")
    parser.add_argument("--seconds", type=float, default=15, help="of the webcam")
    parser.add_argument("--rounds", type=int, default=9, help="paintings of the photo by each")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or not (args.page / "models" / "manifest.json").is_file():
        print(f"the browser: needs Chromium, and {args.page}, which `make browser` builds")
        return
    with Image.open(list_images(args.data / "content")[0]) as photo:
        picture = photo.convert("RGB").resize((SIDE, SIDE))
    python = in_python(args.page / "models", np.asarray(picture))
    found = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        picture.save(Path(folder) / "photo.png")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, command in servers(args.page).items():
            with serving(command) as url, opened(browser, url) as page:
                found[name] = measured(page, Path(folder) / "photo.png", python, args)
                print(f"{name} ({page.inner_text('#backend')}): {report(found[name])}")
        browser.close()
    _record.write(args.out, found)


def servers(page: Path) -> dict[str, list[str]]:
    """Programs that serve the page and print its address, with and without the headers."""
    ours = ["-m", "jaxnst", "web", "--browser", str(page), "--port", "0", "--no-browser"]
    plain = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(page)]
    return {"with the headers": ours, "without them": plain}


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """The address of the page while a server runs."""
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            words = server.stdout.readline().replace("(", "").replace(")", "").split()
            yield next(word for word in words if word.startswith("http://"))
        finally:
            server.terminate()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """The page once it has painted its sample; without its service worker, which adds headers."""
    page = browser.new_page(service_workers="block")
    page.set_default_timeout(PATIENCE)
    for _ in range(100):  # until the server listens
        try:
            page.goto(url)
            break
        except Exception:
            time.sleep(0.1)
    page.wait_for_selector("#status:has-text('Painted')")
    yield page
    page.close()


def measured(
    page: Page, photo: Path, python: Callable[[], float], args: argparse.Namespace
) -> dict[str, Any]:
    """The webcam's rate; medians of milliseconds for the photo, by the page and by Python."""
    page.click("#camera")
    page.wait_for_selector("#status:has-text('frames per second')")
    time.sleep(WARM_UP)
    rate = page.evaluate(RATE, 1000 * args.seconds)
    page.click("#camera:has-text('Stop')")
    page.wait_for_selector("#camera:has-text('Camera')")
    page.set_input_files("#file", photo)
    page.wait_for_selector(f"#status:has-text('{SIDE} \N{MULTIPLICATION SIGN} {SIDE}')")
    times = np.array([[page.evaluate(REPAINT), python()] for _ in range(args.rounds)])
    here, there = np.median(times, axis=0)
    return {"frames per second": rate, "ms": here, "ms in Python": there}


def report(found: dict[str, Any]) -> str:
    """A line."""
    return (
        f"{found['frames per second']:.1f} painted frames a second at 320 x 240 (aim {AIM}); "
        f"{SIDE} x {SIDE} in {found['ms']:.0f} ms, in Python {found['ms in Python']:.0f} ms"
    )


def in_python(models: Path, photo: np.ndarray) -> Callable[[], float]:
    """Paints with the page's own graph and weights in ONNX Runtime, and gives the milliseconds."""
    manifest = json.loads((models / "manifest.json").read_text())
    numbers = np.fromfile(models / manifest["styles"][0]["weights"], "<f2").astype(np.float32)
    feeds, start = {}, 0
    for given in manifest["inputs"]:
        end = start + int(np.prod(given["shape"]))
        feeds[given["name"]] = numbers[start:end].reshape(given["shape"])
        start = end
    session = onnxruntime.InferenceSession(
        models / manifest["cpu_graph"], providers=["CPUExecutionProvider"]
    )
    paint = functools.partial(session.run, None, {"image": photo[None], **feeds})
    paint()

    def timed() -> float:
        begin = time.perf_counter()
        paint()
        return 1000 * (time.perf_counter() - begin)

    return timed


if __name__ == "__main__":
    main()
