"""The page in Chromium: each tab by clicks, as a person would."""

import json
import re
import shutil

import pytest
from PIL import Image
from web_server import serving

from jaxnst.io.codec import load
from jaxnst.io.embedded_settings import read_settings

pytest.importorskip("gradio", reason="needs the extra `web`")
api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there"),
    pytest.mark.filterwarnings("ignore"),
]

CAT = "jaxnst/assets/photos/cat.jpg"
SWIRLS = "jaxnst/assets/styles/swirling_night.jpg"
PATIENCE = 180_000  # milliseconds; the machine may be busy
expect = api.expect
expect.set_options(timeout=PATIENCE)
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
    sizes = {"desktop": (1280, 800), "phone": (390, 844)}
    width, height = sizes[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    hosts, errors = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#paint-gallery button")
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


def fill(page, name, value):
    box = page.locator(f"#{name} input[type=number]")
    box.fill(str(value))
    box.blur()


def shown(page, *names):
    return [float(page.input_value(f"#{name} input[type=number]")) for name in names]


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_paint(page, tmp_path):
    expect(page.locator("#paint-download")).to_be_disabled()
    upload(page, "paint-photo", CAT)  # paints at once
    page.wait_for_selector("#paint-status:has-text('Starry Night')")
    page.locator("#paint-gallery button:has-text('Udnie')").click()  # and again
    page.wait_for_selector("#paint-status:has-text('Udnie')")
    page.wait_for_selector("#paint-download:enabled")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    file = download(page, "paint-download", tmp_path)
    assert read_settings(file)["options"]["styles"] == {"udnie": 1.0}
    assert load(file).rgb.shape == load(CAT).rgb.shape


@pytest.mark.slow
def test_a_painting_of_ones_own_is_a_style_until_another_is_tapped(page, tmp_path):
    upload(page, "paint-photo", CAT)
    page.wait_for_selector("#paint-download:enabled")
    page.locator("#paint-any button").first.click()
    expect(page.locator("#paint-second input")).to_be_enabled()
    upload(page, "paint-own", SWIRLS)
    page.wait_for_selector("#paint-second:has-text('Not with a picture of your own')")
    expect(page.locator("#paint-second input")).to_be_disabled()
    expect(page.locator("#paint-mix input[type=number]")).to_be_disabled()
    page.wait_for_selector("#paint-status em:has-text('Like your picture')")
    page.wait_for_selector("#paint-download:enabled")
    assert read_settings(download(page, "paint-download", tmp_path))["method"] == "fast"
    page.locator("#paint-gallery button:has-text('Udnie')").click()
    page.wait_for_selector("#paint-status:has-text('Udnie')")
    expect(page.locator("#paint-own img")).to_have_count(0)
    page.wait_for_selector("#paint-second input:enabled")
    page.wait_for_selector("#paint-mix input[type=number]:enabled")
    expect(page.locator("#paint-second:has-text('Not with')")).to_have_count(0)


def test_photo_styles_and_painting_are_in_sight_together(page):
    page.locator("#paint-photo-samples button").first.click()
    page.wait_for_selector("#paint-result img")
    page.wait_for_selector("#paint-download:enabled")
    for name in ("photo", "photo-samples", "gallery", "result", "status", "download"):
        box = page.locator(f"#paint-{name}").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800, name
    clipped = "e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1"
    captions = page.locator("#paint-gallery .caption-label").all()
    assert len(captions) == page.locator("#paint-gallery button").count()
    assert not any(caption.evaluate(clipped) for caption in captions)


def test_a_slider_moved_quickly_paints_what_it_says_in_the_end(page):
    page.locator("#paint-photo-samples button").nth(1).click()
    page.wait_for_selector("#paint-download:enabled")
    jobs, held = [], []
    page.on("request", lambda request: "queue/join" in request.url and jobs.append(request))
    page.route("**/queue/join*", lambda route: held.append(route), times=1)
    slider = page.locator("#paint-strength input[type=range]")
    box = slider.bounding_box()
    for i in range(1, 11):
        page.mouse.click(box["x"] + box["width"] * i / 11, box["y"] + box["height"] / 2)
    slider.press("Home")  # by the keyboard as well
    while not held:
        page.wait_for_timeout(100)
    with page.expect_request(lambda job: "queue/join" in job.url and strength_in(job) == 0):
        held[0].continue_()  # painting ends after the last move, whatever the machine's pace
    page.wait_for_selector("#paint-download:enabled")
    assert len(jobs) <= 3, [strength_in(job) for job in jobs]


def strength_in(job) -> float:
    """The strength that the page asks for."""
    return json.loads(job.post_data)["data"][5]


def test_what_is_no_picture_is_refused_and_leaves_nothing_to_download(page, tmp_path):
    page.locator("#paint-photo-samples button").nth(1).click()
    page.wait_for_selector("#paint-download:enabled")
    path = tmp_path / "picture.png"
    path.write_text("<svg/>")
    page.click("#paint-photo button[aria-label='Remove Image']")
    page.wait_for_selector("#paint-download:disabled")
    page.set_input_files("#paint-photo input[type=file]", path)
    page.wait_for_selector("text=This picture cannot be used")
    expect(page.locator("#paint-download")).to_be_disabled()
    expect(page.locator("#paint-result img")).to_have_count(0)


@pytest.mark.slow
def test_optimize_with_advanced_open(page):
    page.get_by_role("tab", name="Any painting").click()
    upload(page, "optimize-photo", CAT)
    upload(page, "optimize-style", SWIRLS)
    weights = [f"optimize-{name}" for name in ("content", "style", "smoothness")]
    page.click("#optimize-quality input")
    page.get_by_role("option", name="Johnson").click()
    page.click("#optimize-advanced button")
    page.wait_for_function("document.querySelector('#optimize-size input').value == 512")
    assert shown(page, "optimize-iterations", *weights) == [500, 1, 5, 5e-7]
    page.click("#optimize-quality input")
    page.get_by_role("option", name="try things out").click()
    page.wait_for_function("document.querySelector('#optimize-size input').value == 384")
    assert shown(page, "optimize-iterations", *weights) == [90, 1, 10, 0]
    page.locator("#optimize-smoothness input").fill("")  # as the preset says
    fill(page, "optimize-size", 64)
    fill(page, "optimize-iterations", 2)
    page.click("#optimize-go")
    page.wait_for_selector("#optimize-status:has-text('Done after 2 steps')")


@pytest.mark.slow
def test_optimize_is_stopped_and_goes_on(page, tmp_path):
    page.get_by_role("tab", name="Any painting").click()
    upload(page, "optimize-photo", CAT)
    upload(page, "optimize-style", SWIRLS)
    fill(page, "optimize-size", 64)
    fill(page, "optimize-iterations", 1000)
    page.click("#optimize-go")
    page.wait_for_selector("#optimize-status:has-text('left')")
    page.wait_for_selector("#optimize-result img")
    page.wait_for_function(
        "[box, chart] = ['#optimize-plot', '#optimize-plot .marks'].map("
        "name => document.querySelector(name)?.getBoundingClientRect()),"
        "chart && chart.height > 0 && chart.bottom <= box.bottom"  # with its legend
    )
    page.click("#optimize-stop")
    page.wait_for_selector("#optimize-status:has-text('Stopped')")
    stopped = int(re.search(r"after (\d+) steps", page.inner_text("#optimize-status"))[1])
    assert 1 <= stopped < 1000
    page.wait_for_selector("#optimize-download:enabled")
    file = download(page, "optimize-download", tmp_path)
    assert load(file).rgb.shape == (43, 64, 3)
    fill(page, "optimize-iterations", 3)
    page.click("#optimize-more")
    page.wait_for_selector(f"#optimize-status:has-text('Done after {stopped + 3} steps')")


def test_live(page):
    page.get_by_role("tab", name="Live").click()
    expect(page.locator("#live-hint")).to_be_visible()
    with page.expect_websocket() as connected:
        page.click("#live-start")
    page.wait_for_selector("#live-status:has-text('frames per second')")
    expect(page.locator("#live-hint")).to_be_hidden()
    before = page.evaluate("document.getElementById('live-canvas').toDataURL()")
    page.wait_for_function(
        "before => document.getElementById('live-canvas').toDataURL() != before", arg=before
    )
    page.click("#live-split input")
    page.wait_for_function("document.getElementById('live-canvas').width == 640")
    with connected.value.expect_event("close"):  # no frame comes after that
        page.click("#live-stop")
    expect(page.locator("#live-status")).to_have_text("The webcam is off.")


def test_upscale(page, tmp_path):
    small = tmp_path / "small.png"
    Image.open(CAT).resize((60, 40)).save(small)
    page.get_by_role("tab", name="Enlarge").click()
    upload(page, "upscale-photo", small)
    sharp = page.locator("#upscale-sharp input")
    sharp.check()
    page.locator("label:has-text('2 times')").click()
    page.wait_for_selector("#upscale-sharp input:disabled")
    expect(sharp).not_to_be_checked()
    page.locator("label:has-text('4 times')").click()
    page.wait_for_selector("#upscale-sharp input:enabled")
    page.click("#upscale-go")
    page.wait_for_selector("#upscale-result img")
    page.wait_for_selector("#upscale-download:enabled")
    assert load(download(page, "upscale-download", tmp_path)).rgb.shape == (160, 240, 3)
