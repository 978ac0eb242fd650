"""`jaxnst web --browser`: a built page from a server that lets it use threads."""

from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="needs the extra `web`")
import httpx
from starlette.testclient import TestClient
from web_server import PATIENCE, serving

from jaxnst.cli import main
from jaxnst.web.browser_page import browser_app

WEIGHTS, SCRIPT = "models/kiss.0123456789ab.bin", "assets/index-Dq3.js"


@pytest.fixture
def built(tmp_path) -> Path:
    """A folder with what a built page has, beside a file that is nobody's business."""
    files = ("index.html", "sw.js", "models/manifest.json", "app.webmanifest", WEIGHTS, SCRIPT)
    for name in (*files, "assets/ort-1.wasm"):
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is {name}.")
    (tmp_path / "secret.txt").write_text("This is no part of it.")
    return tmp_path / "dist"


@pytest.fixture
def client(built):
    with TestClient(browser_app(built)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", f"/{WEIGHTS}", f"/{SCRIPT}", "/none.js"])
def test_every_answer_isolates_the_page(client, path):
    headers = client.get(path).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"


def test_files_come_as_what_they_are(client):
    for path, kind in (
        ("/", "text/html"),
        ("/sw.js", "text/javascript"),
        ("/assets/ort-1.wasm", "application/wasm"),
        ("/app.webmanifest", "application/manifest+json"),
    ):
        assert client.get(path).headers["content-type"].startswith(kind), path
    assert client.get("/").text == "This is index.html."


def test_only_what_has_a_hash_in_its_name_is_cached_for_good(client):
    kept = {path: client.get(path).headers["cache-control"] for path in (
        "/", "/sw.js", "/models/manifest.json", f"/{WEIGHTS}", f"/{SCRIPT}", "/assets/none.js",
    )}  # fmt: skip
    assert {path for path, value in kept.items() if "immutable" in value} == {
        f"/{WEIGHTS}",
        f"/{SCRIPT}",
    }
    again = {"If-None-Match": client.get("/sw.js").headers["etag"]}
    assert client.get("/sw.js", headers=again).status_code == 304


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/models/..%2f..%2fsecret.txt"]
)
def test_nothing_outside_the_folder_is_served(client, path):
    assert client.get(path).status_code == 404


def test_the_command_serves_it_until_ctrl_c(tmp_path, built):
    with serving(tmp_path, "--browser", str(built)) as server:
        answer = httpx.get(f"{server.url}/{WEIGHTS}", timeout=PATIENCE)
        assert answer.text == f"This is {WEIGHTS}."
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert server.end() == 0
    assert server.log.read_text() == ""


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("index.html", "`make browser` builds one"),
        ("sw.js", "`make browser` builds one"),  # as in the folder of its source
        ("models/manifest.json", "`jaxnst export slim --for-browser` writes"),
    ],
)
def test_a_folder_without_a_page_is_told_in_a_line(built, capsys, missing, remedy):
    (built / missing).unlink()
    assert main(["web", "--browser", str(built), "--port", "0", "--no-browser"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"dist: is no page that was built, it has no {missing}: {remedy}" in line


@pytest.mark.parametrize("options", [("--auth", "a:b"), ("--model", "johnson"), ("--upload", "3")])
def test_options_of_the_other_page_are_refused(built, capsys, options):
    assert main(["web", "--browser", str(built), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{options[0]} is not for --browser: leave one out" in line
