"""The connection of the Live tab."""

import contextlib
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from model_files import gallery_folder
from PIL import Image

pytest.importorskip("gradio", reason="needs the extra `web`")
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from jaxnst.errors import JaxnstError
from jaxnst.inference.stylizer import Stylizer
from jaxnst.web import live_tab
from jaxnst.web.limits import Limits
from jaxnst.web.live_tab import PATH, LiveTab, decode_frame, encode_frame
from jaxnst.web.paint_tab import PaintTab
from jaxnst.web.shared import Studio

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on

LOOK = {"style": "wave", "second": "", "mix": 0.5, "strength": 1, "keepColors": False}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(gallery_folder(tmp_path_factory.mktemp("model")))


@pytest.fixture
def live(model, tmp_path):
    studio = Studio(tmp_path, model, Limits(viewers=1))
    return LiveTab(studio, PaintTab(studio))


@pytest.fixture
def client(live):
    app = FastAPI()
    app.add_api_websocket_route(PATH, live.serve)
    return TestClient(app)


def connect(client, ticket):
    return client.websocket_connect(f"{PATH}?ticket={ticket}")


def frame(size=(320, 240)) -> bytes:
    values = np.random.default_rng(0).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).resize(size).save(buffer, "JPEG")
    return buffer.getvalue()


def test_frames_come_back_painted(live, client, model):
    with connect(client, live.ticket()) as socket:
        for style in ("wave", "kiss"):
            socket.send_text(json.dumps(LOOK | {"style": style}))
            socket.send_bytes(frame())
            wanted = Stylizer(model, exact=True)(decode_frame(frame()), style)
            assert socket.receive_bytes() == encode_frame(wanted)


def test_only_the_page_opens_a_connection_and_only_once(live, client):
    ticket = live.ticket()
    with connect(client, ticket) as socket:
        socket.send_text(json.dumps(LOOK))
    for wrong in (ticket, "", "guessed"):
        with connect(client, wrong) as socket:
            assert "from this page" in socket.receive_json()["error"]
            with pytest.raises(WebSocketDisconnect):
                socket.receive_text()


def test_viewers_are_limited_and_make_room_when_they_leave(live, client):
    tickets = [live.ticket() for _ in range(3)]
    with connect(client, tickets[0]) as first:
        first.send_text(json.dumps(LOOK))
        first.send_bytes(frame())
        first.receive_bytes()
        with connect(client, tickets[1]) as second:
            assert "try again later" in second.receive_json()["error"]
    with connect(client, tickets[2]) as third:
        third.send_text(json.dumps(LOOK))
        third.send_bytes(frame())
        assert third.receive_bytes()


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xd8\xff no picture", b"", frame((16, 16)), frame((321, 240)), b"x" * 600_000,
        "no JSON", "[]", "{}", json.dumps(LOOK | {"style": "monalisa"}),
        json.dumps(LOOK | {"strength": "NaN"}), json.dumps(LOOK | {"strength": "x"}),
        json.dumps(LOOK | {"mix": 2, "second": "kiss"}),
        json.dumps(LOOK | {"style": ["wave"]}), json.dumps(LOOK | {"strength": None}),
    ],
)  # fmt: skip
def test_what_is_no_frame_and_no_setting_is_refused(live, client, message):
    with connect(client, live.ticket()) as socket:
        socket.send_text(json.dumps(LOOK))
        (socket.send_bytes if isinstance(message, bytes) else socket.send_text)(message)
        assert "log has it" not in socket.receive_json()["error"]


def test_a_frame_before_its_settings_is_refused(live, client):
    with connect(client, live.ticket()) as socket:
        socket.send_bytes(frame())
        assert "how to paint" in socket.receive_json()["error"]


@pytest.mark.parametrize("said", [[], [json.dumps(LOOK)] * 3], ids=["silent", "no frames"])
def test_who_sends_no_frame_makes_room(live, client, monkeypatch, said):
    monkeypatch.setattr(live_tab, "_IDLE", 0.05)
    with connect(client, live.ticket()) as idle:
        for text in said:
            idle.send_text(text)
        assert "No picture came" in idle.receive_json()["error"]
        with pytest.raises(WebSocketDisconnect):
            idle.receive_text()
    monkeypatch.undo()
    with connect(client, live.ticket()) as viewer:
        viewer.send_text(json.dumps(LOOK))
        viewer.send_bytes(frame())
        assert viewer.receive_bytes()


def test_no_ticket_is_lost_when_many_are_given_at_once(live):
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            tickets = list(pool.map(lambda _: live.ticket(), range(2000)))
    finally:
        sys.setswitchinterval(switching)
    assert all(live._takes(ticket) for ticket in tickets)
    assert not live._takes(tickets[0])


@pytest.mark.slow
def test_ten_thousand_random_strings_are_no_frames():
    rng = np.random.default_rng(0)
    whole = frame()
    for i in range(10_000):
        noise = rng.bytes(rng.integers(0, 400))
        at = rng.integers(0, len(whole))
        broken = whole[:at] + noise + whole[at + len(noise) :]
        with contextlib.suppress(JaxnstError):
            assert decode_frame([noise, broken][i % 2]).shape == (240, 320, 3)
