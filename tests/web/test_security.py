"""Who is let in, and with what."""

import asyncio
import copy
import os

import pytest

pytest.importorskip("gradio", reason="needs the extra `web`")
import gradio as gr
from fastapi import HTTPException
from gradio.state_holder import SessionState
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from jaxnst.web.security import Gate, GuardedBlocks, KnownHandlers, is_foreign
from jaxnst.web.storage import Quota
from jaxnst.web.visitors import Presence

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on

UPLOAD = "/gradio_api/upload"
LIVE = "ws://127.0.0.1:7860/live"  # with its host, which the client takes from here only


@pytest.fixture
def client():
    async def answer(request):
        await request.body()
        return PlainTextResponse("taken", 400 if "fail" in request.query_params else 200)

    async def talk(socket):
        await socket.accept()
        await socket.send_text("hello")

    routes = [
        Route("/", answer, methods=["GET"]),
        Route(UPLOAD, answer, methods=["POST"]),
        WebSocketRoute("/live", talk),
    ]
    gate = Gate(Router(routes), 1, Quota(each=1000, total=2000), Presence())
    return TestClient(gate, base_url="http://127.0.0.1:7860")


OWN = [
    {},
    {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:7860"},
    {"sec-fetch-site": "none"},
    {"origin": "http://127.0.0.1:7860"},
    {"sec-fetch-site": "same-origin", "origin": "https://behind.a.proxy"},
]
OTHERS = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", OWN)
def test_the_own_page_and_programs_may_upload(client, headers):
    assert not is_foreign(Headers({"host": "127.0.0.1:7860", **headers}))
    assert client.post(UPLOAD, content=b"x", headers=headers).status_code == 200
    with client.websocket_connect(LIVE, headers=headers) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize("headers", OTHERS)
def test_other_websites_may_not_upload(client, headers):
    assert client.post(UPLOAD, content=b"x", headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(LIVE, headers=headers) as socket,
    ):
        socket.receive_text()


def test_other_websites_may_link_to_the_page(client):
    assert client.get("/", headers=OTHERS[0]).status_code == 200


def test_uploads_of_a_visitor_are_limited(client):
    assert client.post(UPLOAD, content=b"x" * 600).status_code == 200
    full = client.post(UPLOAD, content=b"x" * 600)
    assert full.status_code == 507
    assert "try again" in full.text
    assert client.post(UPLOAD, content=b"x" * 400).status_code == 200


def test_uploads_that_fail_leave_room(client):
    for _ in range(3):
        assert client.post(f"{UPLOAD}?fail", content=b"x" * 900).status_code == 400
    assert client.post(UPLOAD, content=b"x" * 900).status_code == 200


@pytest.mark.parametrize("anew", [False, True], ids=["at first", "after an example"])
def test_pictures_are_not_decoded_by_gradio(tmp_path, monkeypatch, anew):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "picture.png"
    path.write_text("no picture, or one of a gigapixel")
    file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}

    async def take():
        with GuardedBlocks() as blocks:
            image = gr.Image(type="filepath")
            image.change(str, image, None)
        state = SessionState(blocks)
        if anew:  # Gradio replaces what is updated
            state[image._id] = gr.Image(type="filepath", render=False)
        return await blocks.preprocess_data(blocks.fns[0], [file], state)

    assert [os.path.samefile(one, path) for one in asyncio.run(take())] == [True]


def test_unknown_handlers_are_not_found_in_copies_either():
    handlers = copy.copy(KnownHandlers({0: "paint"}))  # Gradio makes one for each visitor
    assert handlers[0] == "paint"
    for number in (-1, 999):
        with pytest.raises(HTTPException) as refusal:
            handlers[number]
        assert refusal.value.status_code == 404
