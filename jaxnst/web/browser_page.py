"""The page that paints in the visitor's own browser, as `make browser` built it: plain files."""

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name

_HEADERS = {
    # Only a page that is isolated from all others may use threads.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_HASHED = re.compile(r"/assets/.+|/models/.+\.[0-9a-f]{12}\.\w+")
_FOR_GOOD, _ASKED_AGAIN = "public, max-age=31536000, immutable", "no-cache"
_NEEDED = {
    "sw.js": "`make browser` builds one, browser/dist",
    "index.html": "`make browser` builds one, browser/dist",
    "models/manifest.json": "`jaxnst export slim --for-browser` writes its folder models",
}
"""What is in a built page, and where it comes from."""


def browser_app(folder: Path) -> Starlette:
    """A built page as an application, with the headers that WebAssembly's threads need.

    Args:
      folder: what `make browser` built.

    Raises:
      JaxnstError: there is no such page in it.
    """
    for name, remedy in _NEEDED.items():
        if not (folder / name).is_file():
            raise JaxnstError(
                f"{display_name(folder)}: is no page that was built, it has no {name}: {remedy}"
            )
    files = Mount("/", StaticFiles(directory=folder, html=True))
    return Starlette(routes=[files], middleware=[Middleware(_Headers)])


class _Headers:
    """Adds headers to what an application answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = message["status"] in (200, 206, 304)
                keep = found and _HASHED.fullmatch(scope["path"])
                headers = {**_HEADERS, "cache-control": _FOR_GOOD if keep else _ASKED_AGAIN}
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with)
