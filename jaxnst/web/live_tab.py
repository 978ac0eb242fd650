"""The tab that paints the visitor's webcam: frames come and go over a WebSocket.

They do not wait in Gradio's queue, behind the jobs of others. The browser (static/live.js) sends a
frame as JPEG and gets it back painted; it never has more than two on the way, so what it shows
cannot lag.
"""

import asyncio
import contextlib
import io
import json
import secrets
import threading
import time
from typing import NamedTuple

import gradio as gr
import numpy as np
from fastapi import WebSocket, WebSocketDisconnect
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import load
from jaxnst.networks.gallery import Weights
from jaxnst.ops.pixels import to_uint8
from jaxnst.web.controls import PRIVATE, blend_controls, style_choice
from jaxnst.web.paint_tab import PaintTab
from jaxnst.web.security import log
from jaxnst.web.shared import Studio

PATH = "/live"
SIZES = ((320, 240), (480, 360), (640, 480))
"""Widths and heights of frames, upright or not: each is compiled by itself."""

_LARGEST = 500_000  # bytes of a frame
POLICY_VIOLATION = 1008  # of WebSocket
_VALID = 60.0  # seconds that a ticket can be used
_IDLE = 10.0  # seconds that a viewer may send no frame, or not take one
_ALLOWED = {size[::turn] for size in SIZES for turn in (1, -1)}
_QUALITY = 85
_MARKUP = """
<div id="live-stage">
<canvas id="live-canvas" width="640" height="480" role="img" aria-label="your painted webcam">
</canvas>
<p id="live-hint">Start the webcam, and you appear here as a painting.</p>
</div>
<p id="live-status" role="status">The webcam is off.</p>
"""


class _Settings(NamedTuple):
    """How to paint."""

    look: Weights
    strength: float
    keep_colors: bool


class LiveTab:
    """Paints webcams, of a few visitors at a time."""

    def __init__(self, studio: Studio, paint: PaintTab) -> None:
        self._studio, self._paint = studio, paint
        self._tickets: dict[str, float] = {}
        self._lock = threading.Lock()  # of the tickets
        self._viewers = 0
        self._turn = threading.Semaphore(studio.workshop.size)  # visitors take turns

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        gr.Markdown(
            "Your webcam as a painting, several frames a second. The pictures go to the machine "
            "that this page comes from, and are not kept."
        )
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=340):
                gr.HTML(_MARKUP, elem_id="live")
                with gr.Row():
                    start = gr.Button("Start the webcam", variant="primary", elem_id="live-start")
                    stop = gr.Button("Stop", elem_id="live-stop")
            with gr.Column(scale=2, min_width=300):
                controls = [style_choice(self._studio), *blend_controls(self._studio, "live")]
                size = gr.Dropdown(
                    [f"{w}x{h}" for w, h in SIZES],
                    value="320x240",
                    label="Size in pixels",
                    info="Smaller is faster. Each size takes some seconds to get ready.",
                    elem_id="live-size",
                )
                split = gr.Checkbox(False, label="Photo and painting", elem_id="live-split")
                mirror = gr.Checkbox(True, label="As in a mirror")
        ticket = gr.Textbox(visible="hidden")
        inputs = [*controls, size, split, mirror]
        start.click(self.ticket, None, ticket, queue=False, **PRIVATE).then(
            None, [ticket, *inputs], None, js="(...all) => jaxnstLive.start(...all)"
        )
        stop.click(None, None, None, js="() => jaxnstLive.stop()")
        for control in inputs:
            control.change(None, inputs, None, js="(...all) => jaxnstLive.set(...all)")

    def ticket(self) -> str:
        """Lets the page that asked open one connection, and no other page."""
        now, word = time.monotonic(), secrets.token_urlsafe()
        with self._lock:
            for old in [old for old, end in self._tickets.items() if end < now]:
                del self._tickets[old]
            self._tickets[word] = now + _VALID
        return word

    def _takes(self, ticket: str) -> bool:
        """Whether a ticket is good; it is not a second time."""
        with self._lock:
            return self._tickets.pop(ticket, 0) >= time.monotonic()

    async def serve(self, socket: WebSocket) -> None:
        """Paints what comes over a connection until it is closed."""
        await socket.accept()
        if not self._takes(socket.query_params.get("ticket", "")):
            await _refuse(socket, "Start the webcam from this page.")
        elif self._viewers >= self._studio.limits.viewers:
            await _refuse(socket, "Others are before the camera right now: try again later.")
        else:
            self._viewers += 1
            try:
                await self._converse(socket)
            except (WebSocketDisconnect, RuntimeError):  # the latter if it closes while we send
                pass
            finally:
                self._viewers -= 1

    async def _converse(self, socket: WebSocket) -> None:
        settings: _Settings | None = None
        last = time.monotonic()
        while True:
            try:
                message = await asyncio.wait_for(
                    socket.receive(), max(0, last + _IDLE - time.monotonic())
                )
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("text") is not None:
                    settings = self._settings(message["text"])
                    continue
                if settings is None:
                    raise JaxnstError("Say how to paint first.")
                jpeg = await asyncio.to_thread(self._painted, message["bytes"], settings)
                await asyncio.wait_for(socket.send_bytes(jpeg), _IDLE)
                last = time.monotonic()
            except TimeoutError:
                await _refuse(socket, "No picture came from the webcam for a while: start again.")
                return
            except JaxnstError as error:
                await _refuse(socket, str(error))
                return
            except (WebSocketDisconnect, RuntimeError):
                return
            except Exception as error:
                log.error("a frame could not be painted", exc_info=error)
                await _refuse(socket, "Something went wrong here; the server's log has it.")
                return

    def _settings(self, text: str) -> _Settings:
        """How to paint, from the page's JSON."""
        try:
            said = json.loads(text)
            look = self._paint.look(said["style"], said["second"], float(said["mix"]))
            settings = _Settings(look, float(said["strength"]), bool(said["keepColors"]))
        except JaxnstError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise JaxnstError("These are no settings for the webcam.") from error
        self._studio.check_look(settings.look, settings.strength)
        return settings

    def _painted(self, jpeg: bytes, settings: _Settings) -> bytes:
        """A frame, painted."""
        photo = decode_frame(jpeg)
        with self._turn:
            painting = self._studio.workshop.paint_frame(photo, *settings)
        return encode_frame(painting)


def decode_frame(jpeg: bytes) -> np.ndarray:
    """The pixels of a webcam's frame, uint8 [H, W, 3], RGB.

    Raises:
      JaxnstError: it is no picture of one of the sizes.
    """
    sizes = f"A frame is a picture of {', '.join(f'{w}x{h}' for w, h in SIZES)} pixels."
    if len(jpeg) > _LARGEST:
        raise JaxnstError(sizes)
    try:
        frame = to_uint8(load(io.BytesIO(jpeg), max_pixels=max(w * h for w, h in SIZES)).rgb)
    except JaxnstError as error:
        raise JaxnstError(sizes) from error
    if frame.shape[1::-1] not in _ALLOWED:
        raise JaxnstError(sizes)
    return frame


def encode_frame(painting: np.ndarray) -> bytes:
    """A painting [H, W, 3] as the browser gets it."""
    buffer = io.BytesIO()
    Image.fromarray(painting).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


async def _refuse(socket: WebSocket, sentence: str) -> None:
    """Says why and hangs up."""
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # nobody may be there any more
        await socket.send_text(json.dumps({"error": sentence}))
        await socket.close(POLICY_VIOLATION)
