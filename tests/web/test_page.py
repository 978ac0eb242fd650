"""The page, asked by programs: its API, and what it refuses."""

import functools
import json
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from model_files import gallery_folder
from PIL import Image
from web_server import PATIENCE, PROGRAM, Server, serving

import jaxnst
from jaxnst.cli import main
from jaxnst.io.codec import load
from jaxnst.io.embedded_settings import read_settings
from jaxnst.ops.pixels import to_uint8

pytest.importorskip("gradio", reason="needs the extra `web`")
import httpx
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

# Gradio and what it stands on warn of themselves; the server's own process is not under pytest.
pytestmark = pytest.mark.filterwarnings("ignore")

CAT = "jaxnst/assets/photos/cat.jpg"
SWIRLS = "jaxnst/assets/styles/swirling_night.jpg"
get = functools.partial(httpx.get, timeout=PATIENCE)
post = functools.partial(httpx.post, timeout=PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("web"), "--upload", "2", "--megapixels", "4") as running:
        yield running
        assert "OUTSIDE" not in running.log.read_text()
        assert running.end() == 0
        left = [path for path in running.log.parent.rglob("*") if path != running.log]
        assert left == [running.temporary]


@pytest.fixture(scope="module")
def client(server, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:  # it would leave folders in /tmp
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("client")))
        yield Client(server.url, verbose=False, analytics_enabled=False)


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.open(CAT).resize((150, 100)).save(path)
    return str(path)


def pixels(path) -> np.ndarray:
    return to_uint8(load(path, min_side=1).rgb)


def test_painting_is_that_of_the_library(client, photo):
    look = {"starry_night": 0.25, "udnie": 0.75}
    (before, after), file = client.predict(
        handle_file(photo), "starry_night", "udnie", 0.75, 0.5, True, "full", api_name="/paint"
    )
    wanted = jaxnst.Stylizer("slim")(pixels(photo), look, strength=0.5, keep_colors=True)
    assert np.array_equal(pixels(file), wanted)
    assert pixels(before).shape == pixels(after).shape == (100, 150, 3)
    record = read_settings(file)
    assert record["options"]["styles"] == look
    networks = {name: jaxnst.load_model(f"slim/{name}").card["sha256"] for name in look}
    assert record["model"]["sha256"].items() >= networks.items()
    assert record["content"][0]["sha256"] == sha256(Path(photo).read_bytes()).hexdigest()


@pytest.mark.slow
def test_photo_is_made_smaller_but_not_larger(client, photo, tmp_path):
    large = tmp_path / "large.png"
    Image.open(CAT).resize((900, 600)).save(large)
    asked = {"style": "udnie", "size": "640", "api_name": "/paint"}
    assert pixels(client.predict(handle_file(large), **asked)[1]).shape == (427, 640, 3)
    assert pixels(client.predict(handle_file(photo), **asked)[1]).shape == (100, 150, 3)


def test_all_styles_on_one_sheet(client, photo):
    sheet = client.predict(handle_file(photo), api_name="/contact_sheet")
    assert pixels(sheet).shape[1] > 3 * 150


@pytest.mark.slow
def test_optimizing_and_going_on(client, photo):
    asked = [handle_file(photo), handle_file(SWIRLS), 1, None, 1, None, 1, "fast", 64, 3]
    image, status, plot, file = client.predict(*asked, api_name="/optimize")
    assert status.startswith("**Done** after 3 steps")
    assert pixels(file).shape == (43, 64, 3)
    assert pixels(image).shape == (43, 64, 3)
    record = read_settings(file)
    assert record["options"]["optimize"]["iterations"] == 3
    assert record["styles"][0]["sha256"] == sha256(Path(SWIRLS).read_bytes()).hexdigest()
    _, status, plot, _ = client.predict(*asked, api_name="/go_on")
    assert status.startswith("**Done** after 6 steps")
    assert max(row[0] for row in plot["data"]) == 6


@pytest.mark.slow
def test_enlarging_is_that_of_the_library(client, photo):
    _, file = client.predict(handle_file(photo), 4, api_name="/upscale")
    assert np.array_equal(pixels(file), jaxnst.Upscaler("upscale_x4")(pixels(photo)))


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few bytes."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk
    return start + struct.pack(">I", zlib.crc32(chunk)) + b"\0" * 40


def polyglot() -> bytes:
    """A page that begins as a GIF does."""
    return b"GIF89a/*" + b"<html><script>alert(1)</script></html>" + b"*/=1;"


HOSTILE = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<html><script>alert(1)</script></html>",
    "pdf": b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n",
    "polyglot": polyglot(),
    "bomb": bomb(),
    "truncated": Path(CAT).read_bytes()[:2000],
    "empty": b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_only_pictures_are_taken(client, photo, tmp_path, kind):
    path = tmp_path / "picture.png"
    path.write_bytes(HOSTILE[kind])
    with pytest.raises(AppError, match="This picture cannot be used"):
        client.predict(handle_file(path), "udnie", api_name="/paint")
    assert client.predict(handle_file(photo), "udnie", api_name="/paint")


def upload(server: Server, path: str) -> dict[str, object]:
    """A file as requests name it, once it is on the server."""
    with open(path, "rb") as file:
        answer = post(f"{server.url}/gradio_api/upload", files={"files": file})
    return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}


def join(server: Server, name: str, data: list[object], session: str) -> httpx.Response:
    """Puts a job into the queue, with any JSON at all, NaN included."""
    config = get(f"{server.url}/config").json()
    states = {part["id"] for part in config["components"] if part["type"] == "state"}
    job = next(one for one in config["dependencies"] if one["api_name"] == name)
    values = [None] * sum(part in states for part in job["inputs"]) + data  # they come first
    content = json.dumps({"data": values, "fn_index": job["id"], "session_hash": session})
    kind = {"Content-Type": "application/json"}
    url = f"{server.url}/gradio_api/queue/join"
    return post(url, content=content, headers=kind)


@contextmanager
def listen(server: Server, session: str) -> Iterator[Iterator[dict]]:
    """The messages to a visitor."""
    url, visitor = f"{server.url}/gradio_api/queue/data", {"session_hash": session}
    with httpx.stream("GET", url, params=visitor, timeout=PATIENCE) as answer:
        lines = answer.iter_lines()
        yield (json.loads(line.removeprefix("data: ")) for line in lines if "data: " in line)


def ask(server: Server, name: str, data: list[object]) -> dict:
    """The last message about a job, {"success": ..., "output": ...}."""
    session = secrets.token_hex(6)
    assert join(server, name, data, session).status_code == 200
    with listen(server, session) as messages:
        return next(message for message in messages if message["msg"] == "process_completed")


NAN, INF = float("nan"), float("inf")
PAINT = {"photo": ..., "style": "udnie", "second": "", "mix": 0.5, "strength": 1, "keep": False,
         "size": "640", "own": None}  # fmt: skip
OPTIMIZE = {
    "photo": ..., "style": ..., "weight": 1, "style_2": None, "weight_2": 1, "style_3": None,
    "weight_3": 1, "preset": "fast", "size": 64, "iterations": 2, "content_weight": None,
    "style_weight": None, "tv_weight": None, "style_scale": 1, "keep": "no", "seed": 0,
}  # fmt: skip
UPSCALE = {"photo": ..., "scale": 4, "sharp": False, "match": False}
WRONG = [
    ("paint", PAINT, {"photo": None}), ("paint", PAINT, {"style": "monalisa"}),
    ("paint", PAINT, {"style": ["udnie"]}), ("paint", PAINT, {"style": {"a": 1}}),
    ("paint", PAINT, {"strength": NAN}), ("paint", PAINT, {"strength": -1}),
    ("paint", PAINT, {"strength": 1e30}), ("paint", PAINT, {"strength": "x"}),
    ("paint", PAINT, {"second": "the_kiss", "mix": INF}),
    ("paint", PAINT, {"own": "x"}), ("paint", PAINT, {"size": "99999"}),
    ("paint", PAINT, {"size": "../../etc/passwd"}),
    ("optimize", OPTIMIZE, {"size": 1e9}), ("optimize", OPTIMIZE, {"size": NAN}),
    ("optimize", OPTIMIZE, {"iterations": -5}), ("optimize", OPTIMIZE, {"iterations": 1e12}),
    ("optimize", OPTIMIZE, {"weight": NAN}), ("optimize", OPTIMIZE, {"style_weight": -1}),
    ("optimize", OPTIMIZE, {"content_weight": INF}), ("optimize", OPTIMIZE, {"seed": -1}),
    ("optimize", OPTIMIZE, {"preset": "/etc/passwd"}), ("optimize", OPTIMIZE, {"preset": "a.toml"}),
    ("optimize", OPTIMIZE, {"keep": "x"}), ("optimize", OPTIMIZE, {"style_scale": 1e9}),
    ("optimize", OPTIMIZE, {"style": None}), ("upscale", UPSCALE, {"scale": 3}),
    ("optimize", OPTIMIZE, {"seed": None}), ("optimize", OPTIMIZE, {"iterations": 2.5}),
    ("optimize", OPTIMIZE, {"size": None}), ("optimize", OPTIMIZE, {"weight": "x"}),
    ("paint", PAINT, {"photo": "x"}), ("paint", PAINT, {"mix": None}), ("go_on", OPTIMIZE, {}),
    ("upscale", UPSCALE, {"scale": 2, "sharp": True}), ("upscale", UPSCALE, {"scale": 1e9}),
    ("upscale", UPSCALE, {"scale": NAN}),
]  # fmt: skip


def values(server: Server, photo: str, usual: dict, changes: dict) -> list[object]:
    uploaded = upload(server, photo)
    return [uploaded if value is ... else value for value in (usual | changes).values()]


@pytest.mark.parametrize(
    ("name", "usual"), [("paint", PAINT), ("optimize", OPTIMIZE), ("upscale", UPSCALE)]
)
def test_right_values_are_taken(server, photo, name, usual):
    assert ask(server, name, values(server, photo, usual, {}))["success"]


@pytest.mark.parametrize(("name", "usual", "changes"), WRONG)
def test_wrong_values_are_refused(server, photo, name, usual, changes):
    answer = ask(server, name, values(server, photo, usual, changes))
    assert not answer["success"]
    sentence = answer["output"]["error"]
    assert 10 < len(sentence) < 250
    assert "log has it" not in sentence


def test_a_result_too_large_is_refused(client, tmp_path):
    path = tmp_path / "large.png"
    Image.new("RGB", (1000, 800)).save(path)
    with pytest.raises(AppError, match="have 13 megapixels, more than 4"):
        client.predict(handle_file(path), 4, api_name="/upscale")


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "../../../../etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "SERVER/favicon.ico", "meta": {"_type": "gradio.FileData"}},
        {"url": "SERVER/favicon.ico", "meta": {"_type": "gradio.FileData"}},
        {"path": "a\0b", "meta": {"_type": "gradio.FileData"}},
        {"path": None, "url": "data:image/png;base64,AAAA", "meta": {"_type": "gradio.FileData"}},
    ],
)
def test_files_of_the_server_and_addresses_are_not_read(server, photo, file):
    data = [upload(server, photo), *list(PAINT.values())[1:]]
    before = sorted(server.temporary.rglob("*"))
    file = {key: value.replace("SERVER", server.url) if isinstance(value, str) else value
            for key, value in file.items()}  # fmt: skip
    for position in (0, 1):  # where a picture goes, and where a name does
        asked = [file if i == position else value for i, value in enumerate(data)]
        assert not ask(server, "paint", asked)["success"]
    assert sorted(server.temporary.rglob("*")) == before
    assert "root:" not in server.log.read_text()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../etc/passwd", "../../log.txt", "http://203.0.113.7/a", ""]
)
def test_files_of_the_server_and_of_others_are_not_served(server, path):
    own = next(server.temporary.iterdir())
    for route in ("file=", "proxy=", "file/", f"file={own}/", f"file={own}/../../"):
        answer = get(f"{server.url}/gradio_api/{route}{path}")
        assert answer.status_code == 404
        assert answer.text == "There is no such page." or "no such file" in answer.text


def test_other_machines_are_watched_for(tmp_path):
    watched = PROGRAM.partition("from jaxnst")[0]
    for ask_one in ('connect(("203.0.113.7", 80))', 'connect_ex(("203.0.113.7", 80))'):
        program = f"{watched}import socket\nsocket.socket().{ask_one}"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert "OUTSIDE" in done.stderr


def test_names_of_uploads_lead_nowhere_else(server):
    files = {"files": ("../../../../escaped.png", Path(CAT).read_bytes(), "image/png")}
    (path,) = post(f"{server.url}/gradio_api/upload", files=files).json()
    assert Path(path).resolve().is_relative_to(server.temporary)
    assert len(list(server.temporary.parent.rglob("*escaped*"))) == 1


def test_only_what_the_page_needs_is_answered(server):
    for path in ("run/paint", "api/paint", "deep_link", "process_recording", "vibe-code", "runs"):
        assert post(f"{server.url}/gradio_api/{path}", json={"data": []}).status_code == 404
    config = get(f"{server.url}/config").json()
    paint = next(one["id"] for one in config["dependencies"] if one["api_name"] == "paint")
    past = {"data": [None] * 7, "fn_index": paint, "session_hash": "x"}
    assert post(f"{server.url}/gradio_api/run/predict", json=past).status_code == 404
    large = post(f"{server.url}/gradio_api/queue/join", json={"data": ["x" * 200_000]})
    assert large.status_code == 413


@pytest.mark.parametrize("number", [-1, 999, 10**30])
def test_handlers_that_do_not_exist_are_refused(server, number):
    asked = {"data": [], "fn_index": number, "session_hash": "x"}
    for path in ("queue/join", "run/predict"):
        answer = post(f"{server.url}/gradio_api/{path}", json=asked)
        assert answer.status_code in (404, 422)
    assert "Traceback" not in server.log.read_text()


def test_huge_uploads_are_refused(server):
    with socket.create_connection(server.url.removeprefix("http://").split(":")) as raw:
        raw.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 200000000\r\n\r\n"
        )
        assert b" 413 " in raw.recv(100)
    chunked = post(f"{server.url}/gradio_api/upload", content=iter([b"x"] * 10))
    assert chunked.status_code == 411
    files = {"files": ("large.png", b"x" * 2_500_000, "image/png")}
    assert post(f"{server.url}/gradio_api/upload", files=files).status_code == 413


def test_the_page_names_no_other_host_and_answers_to_its_own(server):
    answer = get(server.url)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert get(server.url, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("listens", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_job_whose_client_has_gone_stops(server, photo, listens):
    uploaded, session = upload(server, photo), secrets.token_hex(6)
    endless = OPTIMIZE | {"photo": uploaded, "style": uploaded, "size": 256, "iterations": 1000}
    assert join(server, "optimize", list(endless.values()), session).status_code == 200
    if listens:
        with listen(server, session) as messages:
            next(message for message in messages if "view.jpg" in str(message))
    short = endless | {"size": 64, "iterations": 2}
    assert ask(server, "optimize", list(short.values()))["success"]
    results = [read_settings(path) or {} for path in server.temporary.rglob("painting.png")]
    made = [result["options"].get("optimize", {}).get("iterations") for result in results]
    assert 2 in made  # which waited for the other to end
    assert 1000 not in made


def test_what_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr("jaxnst.web.find_spec", lambda name: None)
    assert main(["web", "--no-browser"]) == 2
    assert "pip install 'jaxnst[web]'" in capsys.readouterr().err


def test_a_port_in_use_and_a_wrong_auth(server, capsys):
    port = server.url.rpartition(":")[2]
    assert main(["web", "--port", port, "--no-browser"]) == 2
    assert main(["web", "--auth", "nobody", "--no-browser"]) == 2
    assert main(["web", "--host", "203.0.113.7", "--no-browser"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["jaxnst"] * 3
    assert "give another --port" in lines[0]


@pytest.mark.slow
def test_who_has_no_password_gets_nothing(tmp_path):
    model = str(gallery_folder(tmp_path))
    with (
        serving(tmp_path, "--model", model, "--auth", "mona:lisa") as server,
        httpx.Client(timeout=PATIENCE) as me,
    ):
        api = f"{server.url}/gradio_api"
        assert me.get(f"{server.url}/config").status_code == 401
        assert me.post(f"{api}/upload", files={"files": b"x"}).status_code == 401
        assert me.post(f"{api}/queue/join", json={"data": []}).status_code == 401
        wrong = {"username": "mona", "password": "smile"}
        assert me.post(f"{server.url}/login", data=wrong).status_code == 400
        right = {"username": "mona", "password": "lisa"}
        assert me.post(f"{server.url}/login", data=right).status_code == 200
        assert me.get(f"{server.url}/config").status_code == 200
        assert server.end(signal.SIGTERM) == 0
