"""The page that paints in the visitor's browser, built and used in Chromium."""

import functools
import re
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from web_server import serving

import jaxnst
from jaxnst.inference.gallery_export import export_gallery

pytest.importorskip("onnx", reason="pip install 'jaxnst[export]'")
api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
BROWSER = Path(__file__).parents[2] / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NPM = shutil.which("npm")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there"),
    pytest.mark.skipif(NPM is None, reason="Node is not there"),
    pytest.mark.skipif(
        not (BROWSER / "node_modules").is_dir(), reason="`make browser` was not run"
    ),
    pytest.mark.filterwarnings("ignore"),
]

STYLES = ("starry_night", "udnie")
PATIENCE = 180_000  # milliseconds; the machine may be busy
expect = api.expect
expect.set_options(timeout=PATIENCE)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip


class Server(ThreadingHTTPServer):
    """Files, with the headers that threads need."""

    folder = ""
    sends_headers = True
    is_down = False


class Handler(SimpleHTTPRequestHandler):
    """Answers as its server is set to."""

    server: Server

    def do_GET(self) -> None:
        if self.server.is_down:
            self.close_connection = True
        else:
            super().do_GET()

    def end_headers(self) -> None:
        if self.server.sends_headers:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def gallery():
    return jaxnst.load_gallery()


@pytest.fixture(scope="module")
def server(tmp_path_factory, gallery):
    dist = tmp_path_factory.mktemp("browser") / "dist"
    build = [NPM, "run", "build", "--", "--outDir", str(dist), "--logLevel", "warn"]
    subprocess.run(build, cwd=BROWSER, check=True)
    shutil.rmtree(dist / "models", ignore_errors=True)
    export_gallery(dist / "models", gallery, STYLES)
    handler = functools.partial(Handler, directory=str(dist))
    with Server(("127.0.0.1", 0), handler) as server:
        server.folder = str(dist)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture(scope="module")
def launch():
    """Starts Chromium with more flags; there can be only one Playwright at a time."""
    with api.sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *flags]
        )


@pytest.fixture(scope="module")
def chromium(launch):
    with launch() as chromium:
        yield chromium


@pytest.fixture(params=["block"])
def context(request, chromium, url):
    """A fresh browser, which asks no other machine for anything."""
    size = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=size, service_workers=request.param)
    context.set_default_timeout(PATIENCE)
    origins = set()
    context.on("request", lambda request: origins.add(request.url.split("/")[2]))
    yield context
    context.close()
    assert origins - {""} == {url.split("/")[2]}


@pytest.fixture
def page(context, url):
    """The page with its sample painted, of which no error is expected."""
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    painted(page)
    yield page
    assert not errors


@pytest.fixture
def photo(tmp_path) -> Path:
    with Image.open("jaxnst/assets/photos/cat.jpg") as cat:
        cat.resize((256, 171)).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def painted(page, size: str = "") -> None:
    """Waits until a picture of a size, "256 x 171", is painted."""
    shown = size.replace("x", "\N{MULTIPLICATION SIGN}")
    page.wait_for_selector(f"#status:has-text('Painted'):has-text('{shown}')")


def tell_when_painted_again(page) -> None:
    page.evaluate("document.getElementById('status').textContent = ''")


def choose(page, style: str) -> None:
    tell_when_painted_again(page)
    page.check(f"input[value={style}]", force=True)
    painted(page)


def saved(page, folder: Path) -> tuple[str, np.ndarray]:
    """The name and the pixels of the picture that Save gives."""
    with page.expect_download() as started:
        page.click("#save")
    started.value.save_as(folder / "saved.png")
    with Image.open(folder / "saved.png") as image:
        return started.value.suggested_filename, np.asarray(image.convert("RGB"))


def message(page) -> str:
    page.wait_for_selector("#message:visible")
    return page.inner_text("#message")


def difference(picture: np.ndarray, photo: Path, gallery, *look, **options) -> int:
    with Image.open(photo) as image:
        wanted = jaxnst.Stylizer(gallery)(np.asarray(image), *look, **options)
    assert wanted.shape == picture.shape
    return np.abs(picture.astype(int) - wanted).max()


def test_what_is_saved_is_what_jaxnst_paints(page, photo, tmp_path, gallery):
    assert re.fullmatch(r"WebAssembly, (one thread|\d threads)", page.inner_text("#backend"))
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    choose(page, "udnie")
    name, picture = saved(page, tmp_path)
    assert name == "cat_udnie.png"
    assert difference(picture, photo, gallery, "udnie") <= 2

    tell_when_painted_again(page)
    page.select_option("#second", "starry_night")
    painted(page)
    tell_when_painted_again(page)
    page.fill("#share", "30")
    painted(page)
    tell_when_painted_again(page)
    page.fill("#strength", "60")
    painted(page)
    blend = {"udnie": 0.7, "starry_night": 0.3}
    _, picture = saved(page, tmp_path)
    assert difference(picture, photo, gallery, blend, strength=0.6) <= 2


def test_a_photo_of_strength_0_is_the_photo(page, photo, tmp_path):
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    tell_when_painted_again(page)
    page.fill("#strength", "0")
    painted(page)
    _, picture = saved(page, tmp_path)
    with Image.open(photo) as image:
        assert np.abs(picture.astype(int) - np.asarray(image)).max() <= 1


def test_a_large_photo_is_made_smaller(page, tmp_path):
    Image.new("RGB", (4000, 2000), "teal").save(tmp_path / "large.jpg")
    page.set_input_files("#file", tmp_path / "large.jpg")
    painted(page, "1280 x 640")


def enlarge(page, scale: int, size: str) -> None:
    page.select_option("#size", str(scale))
    shown = size.replace("x", "\N{MULTIPLICATION SIGN}")
    page.wait_for_selector(f"#status:has-text('Enlarged'):has-text('{shown}')")


@pytest.mark.parametrize(("scale", "size"), [(2, "512 x 342"), (4, "1024 x 684")])
def test_a_painting_is_enlarged_as_jaxnst_does(page, photo, tmp_path, scale, size):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    _, painting = saved(page, tmp_path)
    assert not any("enlarge" in url for url in asked)
    enlarge(page, scale, size)
    name, picture = saved(page, tmp_path)
    assert name == f"cat_starry_night_x{scale}.png"
    wanted = jaxnst.Upscaler(jaxnst.load_model(f"upscale_x{scale}"))(painting)
    assert picture.shape == wanted.shape
    assert np.abs(picture.astype(int) - wanted).max() <= 2
    assert sum("enlarge" in url for url in asked) == 1


def test_another_style_is_painted_at_once_and_not_enlarged(page, photo, tmp_path, gallery):
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    page.select_option("#size", "4")
    choose(page, "udnie")
    assert page.input_value("#size") == "1"
    name, picture = saved(page, tmp_path)
    assert name == "cat_udnie.png"
    assert difference(picture, photo, gallery, "udnie") <= 2
    enlarge(page, 2, "512 x 342")
    page.select_option("#size", "1")
    assert page.evaluate("document.getElementById('canvas').width") == 256
    expect(page.locator("#message")).to_be_hidden()


def test_a_network_that_cannot_be_loaded_is_told_and_asked_for_again(page, photo):
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    page.route("**/enlarge_x2.*", lambda route: route.abort())
    page.select_option("#size", "2")
    assert message(page).startswith("A part of this page could not be loaded.")
    assert page.input_value("#size") == "1"
    page.unroute("**/enlarge_x2.*")
    enlarge(page, 2, "512 x 342")
    expect(page.locator("#message")).to_be_hidden()


def test_a_size_that_the_device_cannot_show_is_told(page, photo, tmp_path):
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    blank = "(x, y) => new ImageData(1, 1)"
    page.evaluate(f"CanvasRenderingContext2D.prototype.getImageData = {blank}")
    page.select_option("#size", "2")
    assert message(page).startswith("This device cannot show so large a picture.")
    _, picture = saved(page, tmp_path)
    assert picture.shape == (171, 256, 3)


def test_what_is_no_picture_is_told_and_the_page_goes_on(page, photo, tmp_path):
    (tmp_path / "notes.png").write_text("These are notes.")
    page.set_input_files("#file", tmp_path / "notes.png")
    assert message(page).startswith("This is not a picture that this browser can read")
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    expect(page.locator("#message")).to_be_hidden()


def test_a_style_that_cannot_be_loaded_is_told_and_asked_for_again(page):
    page.route("**/udnie.*.bin", lambda route: route.abort())
    page.check("input[value=udnie]", force=True)
    assert message(page).startswith("A part of this page could not be loaded.")
    page.unroute("**/udnie.*.bin")
    choose(page, "starry_night")
    choose(page, "udnie")
    expect(page.locator("#message")).to_be_hidden()


GPU_FLAGS = [
    "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan",
]  # fmt: skip
# A GPU that is the CPU is taken like another, and measured on few pixels by a clock that is told.
TAKEN = "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', {get: () => false});"
AS_FAST = "performance.now = () => 0;"
SLOWER = "{ let calls = 0; performance.now = () => calls++ ** 2; }"  # it is measured last
MEASURED = ("width:320,height:240", "width:64,height:48")


@pytest.fixture
def gpu_page(url, launch):
    """Opens the page in a browser with a GPU, simulated, and with scripts before its worker's."""
    with launch(*GPU_FLAGS) as browser:
        page = browser.new_page(service_workers="block")
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        if not page.evaluate("!!navigator.gpu && navigator.gpu.requestAdapter().then((a) => !!a)"):
            pytest.skip("this Chromium simulates no GPU")

        def opened(*scripts: str, **routes):
            def change(route) -> None:
                response = route.fetch()
                assert MEASURED[0] in response.text()
                script = response.text().replace(*MEASURED)
                route.fulfill(response=response, body="".join([*scripts, script]))

            page.route("**/worker-*.js", change)
            for name, handler in routes.items():
                page.route(f"**/{name}.*", handler)
            page.goto(url)
            return page

        yield opened


def test_a_gpu_paints_what_jaxnst_paints_and_one_picture_at_a_time(
    gpu_page, photo, tmp_path, gallery
):
    page = gpu_page(TAKEN, AS_FAST)
    page.wait_for_selector("#backend:has-text('WebGPU')")
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    _, picture = saved(page, tmp_path)
    assert difference(picture, photo, gallery, "starry_night") <= 2
    # A photo while a frame of the camera is painted.
    smaller = "getUserMedia({video: {width: 160, height: 120}})"
    page.evaluate(f"""() => {{
      const [devices, camera] = [navigator.mediaDevices, navigator.mediaDevices.{smaller}];
      devices.getUserMedia = () => camera;
    }}""")
    tell_when_painted_again(page)
    page.click("#camera")
    page.wait_for_selector("#camera:has-text('Stop')")
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    expect(page.locator("#message")).to_be_hidden()


def test_a_gpu_that_paints_something_else_is_not_used(gpu_page):
    def wrong(route) -> None:
        response = route.fetch()
        body = bytearray(response.body())
        body[-1] ^= 128
        route.fulfill(response=response, body=bytes(body))

    page = gpu_page(TAKEN, AS_FAST, check=wrong)
    with page.expect_console_message(lambda told: "WebGPU is not used" in told.text) as told:
        pass
    assert "of 255 from the right one" in told.value.text
    assert page.inner_text("#backend").startswith("WebAssembly")


def test_a_gpu_that_is_slower_is_not_used(gpu_page):
    page = gpu_page(TAKEN, SLOWER)
    with page.expect_console_message(lambda told: "WebGPU is not used" in told.text) as told:
        pass
    assert re.search(r"it takes [\d.]+ ms, WebAssembly [\d.]+ ms", told.value.text)
    assert page.inner_text("#backend").startswith("WebAssembly")


def test_styles_are_chosen_by_keyboard(page):
    tell_when_painted_again(page)
    page.focus("input[value=starry_night]")
    page.keyboard.press("ArrowRight")
    painted(page)
    expect(page.locator("input[value=udnie]")).to_be_checked()


def test_the_camera_is_painted_until_it_is_stopped(page):
    page.click("#camera")
    page.wait_for_selector("#status:has-text('frames per second')")
    print(page.inner_text("#facts"))
    page.click("#camera:has-text('Stop')")
    page.wait_for_selector("#camera:has-text('Camera')")
    expect(page.locator("#save")).to_be_enabled()


def test_no_frame_of_the_camera_is_painted_twice(page):
    page.click("#camera")
    page.wait_for_selector("#status:has-text('frames per second')")
    stopped = "Object.defineProperty(HTMLMediaElement.prototype, 'currentTime', {get: () => 1})"
    page.evaluate(f"void {stopped}")  # the camera gives no more frames
    page.evaluate(
        """() => {
          const put = CanvasRenderingContext2D.prototype.putImageData;
          window.shown = 0;
          CanvasRenderingContext2D.prototype.putImageData = function (...given) {
            window.shown++;
            put.apply(this, given);
          };
        }"""
    )
    page.wait_for_timeout(2000)
    assert page.evaluate("window.shown") <= 2  # what was on its way


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotAllowedError", "The camera was not allowed."),
        ("NotFoundError", "There is no camera on this device."),
    ],
)
def test_a_camera_that_is_not_given_is_told(page, error, sentence):
    refusal = f"Promise.reject(new DOMException('', '{error}'))"
    page.evaluate(f"void (navigator.mediaDevices.getUserMedia = () => {refusal})")
    page.click("#camera")
    assert message(page).startswith(sentence)
    expect(page.locator("#camera")).to_be_enabled()


def test_a_browser_without_webassembly_is_told(context, url):
    def forbid(route) -> None:
        response = route.fetch()
        policy = {"Content-Security-Policy": "script-src 'self'"}
        route.fulfill(response=response, headers={**response.headers, **policy})

    page = context.new_page()
    page.route("**/worker-*.js", forbid)
    page.goto(url)
    assert message(page).startswith("This browser does not let the page run WebAssembly")


@pytest.mark.parametrize("context", ["allow"], indirect=True)
def test_after_the_first_visit_no_server_is_needed(context, page, photo, url, server, monkeypatch):
    monkeypatch.setattr(server, "sends_headers", False)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    monkeypatch.setattr(server, "is_down", True)
    page.goto("about:blank")
    page.goto(url)
    painted(page)
    assert page.evaluate("crossOriginIsolated")  # without a header of the server
    page.set_input_files("#file", photo)
    painted(page, "256 x 171")
    choose(page, "udnie")
    enlarge(page, 2, "512 x 342")


def test_jaxnst_web_serves_it_with_threads(chromium, server, tmp_path):
    with serving(tmp_path, "--browser", server.folder) as own:
        page = chromium.new_page(service_workers="block")
        page.goto(own.url)
        painted(page)
        assert page.evaluate("crossOriginIsolated")
        page.close()


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_nothing_is_wider_than_the_screen(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for name in ("canvas", "choose", "camera", "size", "save", "styles"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + min(box["height"], 100) <= size[1], name
