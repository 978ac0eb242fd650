"""The page in Chromium: each tab by clicks, as a person would."""

import re
import shutil
import time

import pytest
from PIL import Image
from web_server import serving

from jaxnst.io.codec import load, read_settings

pytest.importorskip("gradio", reason="needs the extra `web`")
api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there"),
    pytest.mark.filterwarnings("ignore"),
]

CAT = "jaxnst/assets/photos/cat.jpg"
SWIRLS = "jaxnst/assets/styles/swirling_night.jpg"
PATIENCE = 60_000  # milliseconds; the machine may be busy
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("web")) as server:
        yield server.url
        assert "OUTSIDE" not in server.log.read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    film = tmp_path_factory.mktemp("webcam") / "film.mjpeg"  # JPEG after JPEG
    photo = Image.open(CAT).resize((960, 640))
    with film.open("wb") as file:
        for x in range(0, 320, 32):
            photo.crop((x, 0, x + 640, 480)).save(file, "JPEG")
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(params=["desktop"])
def page(request, browser, url):
    """The page, of which no error is expected, and no request to another machine."""
    sizes = {"desktop": (1280, 900), "phone": (390, 844)}
    width, height = sizes[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#paint-go")
    yield page
    context.close()
    assert hosts - {""} == {url.removeprefix("http://")}
    assert not errors


def upload(page, name, path):
    page.set_input_files(f"#{name} input[type=file]", path)
    page.wait_for_selector(f"#{name} img")


def download(page, name, folder):
    with page.expect_download() as started:
        page.click(f"#{name}")
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_paint(page, tmp_path):
    upload(page, "paint-photo", CAT)
    page.locator("#paint-gallery button:has-text('Udnie')").click()  # paints at once
    page.wait_for_selector("#paint-result img")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    file = download(page, "paint-download", tmp_path)
    assert read_settings(file)["options"]["styles"] == {"udnie": 1.0}
    assert load(file).rgb.shape == load(CAT).rgb.shape


def test_what_is_no_picture_is_refused_with_a_sentence(page, tmp_path):
    path = tmp_path / "picture.png"
    path.write_text("<svg/>")
    page.set_input_files("#paint-photo input[type=file]", path)
    page.wait_for_selector("#paint-photo img")
    page.click("#paint-go")
    page.wait_for_selector("text=This picture cannot be used")


def test_optimise_is_stopped_and_goes_on(page, tmp_path):
    page.get_by_role("tab", name="Optimise").click()
    upload(page, "optimise-photo", CAT)
    upload(page, "optimise-style", SWIRLS)
    page.locator("#optimise-size input[type=number]").fill("64")
    page.locator("#optimise-iterations input[type=number]").fill("1000")
    page.locator("#optimise-iterations input[type=number]").blur()
    page.click("#optimise-go")
    page.wait_for_selector("#optimise-status:has-text('left')")
    page.wait_for_selector("#optimise-result img")
    page.wait_for_selector("#optimise-plot canvas, #optimise-plot svg")
    page.click("#optimise-stop")
    page.wait_for_selector("#optimise-status:has-text('Stopped')")
    stopped = int(re.search(r"after (\d+) it", page.inner_text("#optimise-status"))[1])
    assert 1 <= stopped < 1000
    file = download(page, "optimise-download", tmp_path)
    assert load(file).rgb.shape == (43, 64, 3)
    page.locator("#optimise-iterations input[type=number]").fill("3")
    page.locator("#optimise-iterations input[type=number]").blur()
    page.click("#optimise-more")
    page.wait_for_selector("#optimise-status:has-text('Done after 3 iterations')")


def test_live(page):
    page.get_by_role("tab", name="Live").click()
    page.click("#live-start")
    page.wait_for_selector("#live-status:has-text('frames per second')")
    before = page.evaluate("document.getElementById('live-canvas').toDataURL()")
    page.wait_for_function(
        "before => document.getElementById('live-canvas').toDataURL() != before", arg=before
    )
    page.click("#live-split input")
    page.wait_for_function("document.getElementById('live-canvas').width == 640")
    page.click("#live-stop")
    page.wait_for_selector("#live-status:has-text('The webcam is off')")
    time.sleep(0.5)
    assert page.inner_text("#live-status") == "The webcam is off."


def test_upscale(page, tmp_path):
    small = tmp_path / "small.png"
    Image.open(CAT).resize((60, 40)).save(small)
    page.get_by_role("tab", name="Upscale").click()
    upload(page, "upscale-photo", small)
    page.locator("label:has-text('4 times')").click()
    page.click("#upscale-go")
    page.wait_for_selector("#upscale-result img")
    assert load(download(page, "upscale-download", tmp_path)).rgb.shape == (160, 240, 3)
