"""`jaxnst web`: how the server is set up."""

import socket
from types import SimpleNamespace

import pytest

pytest.importorskip("gradio", reason="needs the extra `web`")
import uvicorn

from jaxnst.cli import web


def test_a_browser_that_answers_late_is_not_hung_up_on(monkeypatch):
    started = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: started.append(server))
    monkeypatch.setattr(web.signal, "signal", lambda *_: None)
    with socket.socket() as listener:
        web._run(SimpleNamespace(), listener, lambda: None)
    (server,) = started
    assert server.config.ws_ping_timeout is None
