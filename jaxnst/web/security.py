"""Keeps out what a visitor may not do: files that were not uploaded, huge requests, other routes,
and what pages of other sites send.

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
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from fastapi import HTTPException
from gradio.utils import get_upload_folder
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from jaxnst.errors import JaxnstError, is_out_of_memory
from jaxnst.web.storage import Quota
from jaxnst.web.visitors import GoneError, Presence

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
_SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
_FULL = "There is no room for more files now: try again in an hour."
_LOGIN = 0.5  # seconds
_LONGEST = 200  # characters of a message


class KnownHandlers(dict[int, Any]):
    """Gradio's handlers by their numbers, which answers requests for others by status 404."""

    def __missing__(self, number: int) -> Any:
        raise HTTPException(404, "There is no such handler.")


class GuardedBlocks(gr.Blocks):
    """Blocks that take no files but those uploaded before, and decode none of them."""

    def __init__(self, **kwargs: Any) -> None:
        """Begins blocks; takes what Gradio's take."""
        super().__init__(**kwargs)
        self.default_config.fns = KnownHandlers(self.default_config.fns)

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        """Looks at a request's values before Gradio does, and says in a sentence what it says."""
        check_files(inputs)
        for image in (part for part in block_fn.inputs if isinstance(part, gr.Image)):
            # A visitor has one of their own once an example was put into it.
            own = state[image._id] if state and image._id in state else image
            # Gradio's would decode pictures of any size.
            own.preprocess = _path  # type: ignore[method-assign]
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            raise gr.Error(error.message[:_LONGEST], print_exception=False) from error
        except Exception as error:
            message = "These values are not what this takes."
            raise gr.Error(message, print_exception=False) from error


def _path(upload: Any) -> str | None:
    """What handlers get of a picture: where it lies."""
    return None if upload is None else upload.path


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

    def __init__(self, app: ASGIApp, largest: float, quota: Quota, presence: Presence) -> None:
        """Wraps an application; `largest` is that of a file, in megabytes."""
        self._app, self._quota, self._presence = app, quota, presence
        self._largest = int(1e6 * largest)
        self._door = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket" and is_foreign(Headers(scope=scope)):
            await WebSocketClose()(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, status = Headers(scope=scope), 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal, upload = self._refusal(scope, headers), None
        if refusal is None and scope["path"] == _UPLOAD:
            upload = self._quota.admit(_address(scope), int(headers.get("content-length", "0")))
            refusal = None if upload else PlainTextResponse(_FULL, 507)
        if scope["path"].startswith("/login") and scope["method"] == "POST":
            async with self._door:  # two passwords a second, from however many visitors
                await asyncio.sleep(_LOGIN)
        try:
            with self._listening(scope):
                await (refusal or self._app)(scope, receive, send_guarded)
        finally:
            if upload and status >= 400:
                self._quota.release(upload)

    def _listening(self, scope: Scope) -> AbstractContextManager[None]:
        """Counts the visitor as there while a stream of news is open."""
        if scope["path"] != _STREAM:
            return nullcontext()
        visitor = QueryParams(scope["query_string"]).get("session_hash", "")
        return self._presence.listening(visitor)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        path: str = scope["path"]
        if not _ROUTES.fullmatch(path):
            return PlainTextResponse("There is no such page.", 404)
        if path.startswith(_FILE) and not is_upload(path.removeprefix(_FILE)):
            return PlainTextResponse("There is no such file.", 404)
        if scope["method"] not in _SAFE and is_foreign(headers):
            return PlainTextResponse("Another website's page may not do this.", 403)
        if "transfer-encoding" in headers:  # could go on for ever
            return PlainTextResponse("Tell the length of what you send.", 411)
        length, largest = headers.get("content-length", "0"), _FORM
        if path == _UPLOAD:
            largest += self._largest
        if not length.isdecimal() or int(length) > largest:
            return PlainTextResponse(f"More than {largest / 1e6:g} MB.", 413)
        return None


def _address(scope: Scope) -> str:
    """Where a request comes from."""
    return scope["client"][0] if scope.get("client") else ""


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that a page of another website sent a request; programs say nothing.

    A browser tells the site of whatever it deems safe, https or this machine, and else the origin,
    which is compared with the name that the request is for.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


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
