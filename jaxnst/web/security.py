"""Keeps out what a visitor may not do: files that were not uploaded, huge requests, other routes.

Gradio checks paths only in applications that it launches by itself, and fetches files from the
addresses that a request names. Neither is wanted here, so every request passes `Gate`, and the
values of every call `GuardedBlocks`.
"""

import asyncio
import functools
import inspect
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jaxnst.errors import JaxnstError, is_out_of_memory
from jaxnst.web.presence import GoneError, Presence

log = logging.getLogger("jaxnst.web")

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS = {
    "content-security-policy": _POLICY,  # the browser asks no other host for anything
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_UPLOAD = "/gradio_api/upload"
_FILE = "/gradio_api/file="
_STREAM = "/gradio_api/queue/data"
# What the page and gradio_client ask for. Gradio has more: a proxy, tools for developers, other
# ways to call. By run/predict come handlers that do not queue; Gradio refuses the others there.
_ROUTES = re.compile(
    r"/(config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|login/?|logout/?"
    r"|(assets|static|svelte|jaxnst)/.*"
    r"|gradio_api/(info/?|openapi\.json|startup-events|heartbeat/[^/]+|queue/join|queue/data|cancel"
    r"|run/predict|reset/?|upload|upload_progress|login_check/?|token/?|user/?|app_id/?|file=.*))?"
)
_FORM = 100_000  # bytes of a request beside a file in it
_LOGIN = 0.5  # seconds
_LONGEST = 200  # characters of a message


class GuardedBlocks(gr.Blocks):
    """Blocks that take no files but those uploaded before."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        """Looks at a request's values before Gradio does, and says in a sentence what it says."""
        check_files(inputs)
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            raise gr.Error(error.message[:_LONGEST], print_exception=False) from error
        except Exception as error:
            message = "These values are not what this takes."
            raise gr.Error(message, print_exception=False) from error


def check_files(values: Any) -> None:
    """Raises gr.Error if nested values name a file that was not uploaded, or a web address."""
    if isinstance(values, dict):
        path, url = values.get("path"), values.get("url")
        if path is not None and not (isinstance(path, str) and is_upload(path)):
            raise gr.Error("That file was not uploaded here.", print_exception=False)
        if path is None and url is not None:
            raise gr.Error("Files are to be uploaded, not linked.", print_exception=False)
    if isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            check_files(value)


def is_upload(path: str) -> bool:
    """Whether a file lies where uploads and results do."""
    try:
        inside = Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
        return inside and Path(path).is_file()
    except (OSError, ValueError):  # too long, or with a null character
        return False


class Gate:
    """Refuses what the page does not ask for and what is too large, adds headers to what is
    answered, and knows who listens."""

    def __init__(self, app: ASGIApp, largest: float, presence: Presence) -> None:
        """Wraps an application; `largest` is that of a file, in megabytes."""
        self._app, self._largest, self._presence = app, int(1e6 * largest), presence
        self._door = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if scope["path"].startswith("/login") and scope["method"] == "POST":
            async with self._door:  # two passwords a second, from however many visitors
                await asyncio.sleep(_LOGIN)
        visitor = QueryParams(scope["query_string"]).get("session_hash", "")
        streams = scope["path"] == _STREAM
        with self._presence.listening(visitor) if streams else nullcontext():
            await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, path: str, headers: Headers) -> PlainTextResponse | None:
        if not _ROUTES.fullmatch(path):
            return PlainTextResponse("There is no such page.", 404)
        if path.startswith(_FILE) and not is_upload(path.removeprefix(_FILE)):
            return PlainTextResponse("There is no such file.", 404)
        if "transfer-encoding" in headers:  # could go on for ever
            return PlainTextResponse("Tell the length of what you send.", 411)
        length, largest = headers.get("content-length", "0"), _FORM
        if path == _UPLOAD:
            largest += self._largest
        if not length.isdecimal() or int(length) > largest:
            return PlainTextResponse(f"More than {largest / 1e6:g} MB.", 413)
        return None


def friendly(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose errors become one sentence on the page; the log has the details."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def steps(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from handler(*args, **kwargs)
            except Exception as error:
                raise _spoken(error) from error

        return steps

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            raise _spoken(error) from error

    return call


def _spoken(error: Exception) -> gr.Error:
    """What the visitor is told."""
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, GoneError):
        return gr.Error("Nobody waits for this any more.", print_exception=False)
    if isinstance(error, JaxnstError):
        return gr.Error(str(error)[:_LONGEST], print_exception=False)
    log.error("a job has failed", exc_info=error)
    if is_out_of_memory(error):
        return gr.Error("There is not enough memory: choose a smaller size.", print_exception=False)
    return gr.Error("Something went wrong here; the server's log has it.", print_exception=False)
