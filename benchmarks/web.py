"""The page under load: many clients at once, and the webcam in a browser.

    python benchmarks/web.py --data DIR [--clients 20] [--seconds 120] [--out FILE.json]

Starts `jaxnst web` on loopback. Clients ask its API for paintings of DIR's photos, each as soon as
it has its answer. Then Chromium, if it is there, has a clip of DIR/video as webcam in the Live tab.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import _record
import cv2
import numpy as np
import psutil
from gradio_client import Client, handle_file

from jaxnst.io.folders import list_images

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip
SMALL_QUEUE = 10  # fewer than clients, so that some are refused
LIVE_SECONDS = 20


def main() -> None:
    """Prints what clients got, and the rate of the webcam."""
    parser = _record.parser(__doc__)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    args = parser.parse_args()
    command = [sys.executable, "-m", "jaxnst", "web", "--port", "0", "--no-browser"]
    command += ["--queue", str(SMALL_QUEUE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[0]
        try:
            process = psutil.Process(server.pid)
            clients = load(url, process, list_images(args.data / "photos"), args)
            _record.write(args.out, {"clients": clients, "webcam_fps": webcam(url, args.data)})
        finally:
            server.terminate()


def load(
    url: str, server: psutil.Process, photos: list[Path], args: argparse.Namespace
) -> dict[str, Any]:
    """Many clients at once: what they got, and how long it took."""
    ask(connect(url), photos[0])  # compiles
    print(f"memory before: {server.memory_info().rss / 1e9:.2f} GB")
    answers: list[tuple[str, float]] = []
    end = time.monotonic() + args.seconds

    def visit(number: int) -> None:
        rng, client = np.random.default_rng(number), connect(url)
        while time.monotonic() < end:
            began = time.monotonic()
            kind = ask(client, photos[rng.integers(len(photos))])
            answers.append((kind, time.monotonic() - began))
            if kind != "painted":
                time.sleep(1)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(args.clients)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(args.seconds / 4)
        print(f"memory: {server.memory_info().rss / 1e9:.2f} GB, {len(answers)} answers")
    for thread in threads:
        thread.join()
    times = [seconds for kind, seconds in answers if kind == "painted"]
    counts = Counter(kind for kind, _ in answers)
    print(f"{args.clients} clients, {args.seconds:g} s: {dict(counts)}")
    p50, p95 = np.percentile(times, [50, 95])
    print(f"a painting: p50 {p50:.2f} s, p95 {p95:.2f} s; {len(times) / args.seconds:.2f} a second")
    began = time.monotonic()
    kind = ask(connect(url), photos[0])
    alone = time.monotonic() - began
    print(f"afterwards, alone: {kind} in {alone:.2f} s")
    memory = server.memory_info().rss
    return {"answers": counts, "seconds": [p50, p95], "alone": alone, "bytes": memory}


def connect(url: str) -> Client:
    """A client of the API."""
    return Client(url, verbose=False, analytics_enabled=False)


def ask(client: Client, photo: Path) -> str:
    """How a request for a painting at 640 pixels ends: painted, queue full, or what went wrong."""
    try:
        client.predict(handle_file(photo), "starry_night", size="640", api_name="/paint")
    except Exception as error:  # whatever the client makes of it
        return "queue full" if "full" in str(error).lower() else f"{type(error).__name__}: {error}"
    return "painted"


def webcam(url: str, data: Path) -> float | None:
    """Painted frames per second in the browser, if there is one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("the webcam: Chromium is not there")
        return None
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = write_camera(data, Path(folder))
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={clip}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.goto(url)
        page.get_by_role("tab", name="Live").click()
        page.click("#live-start")
        page.wait_for_selector("#live-status:has-text('frames per second')", timeout=120_000)
        rates = []
        for _ in range(LIVE_SECONDS):
            time.sleep(1)
            rates.append(float(re.match(r"[\d.]+", page.inner_text("#live-status"))[0]))  # type: ignore[index]
        browser.close()
    rate = float(np.median(rates))
    print(f"the webcam at 320 x 240: {rate:.1f} painted frames a second (aim 10)")
    return rate


def write_camera(data: Path, folder: Path) -> Path:
    """A clip as Chromium takes it for a webcam: JPEG after JPEG."""
    source = sorted((data / "video").glob("*.mp4"))[0]
    film, path = cv2.VideoCapture(str(source)), folder / "clip.mjpeg"
    with path.open("wb") as file:
        for _ in range(90):
            good, frame = film.read()
            if good:
                file.write(cv2.imencode(".jpg", frame)[1].tobytes())
    return path


if __name__ == "__main__":
    main()
