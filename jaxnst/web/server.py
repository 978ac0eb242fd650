"""The application behind the page, for uvicorn or any other ASGI server."""

import os
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from jaxnst.networks.shipped import DEFAULT
from jaxnst.web.hired import Hire
from jaxnst.web.limits import Limits

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def create_app(
    folder: Path,
    *,
    model: str = DEFAULT,
    limits: Limits | None = None,
    auth: tuple[str, str] | None = None,
    local: bool = True,
    hire: Hire | None = None,
) -> FastAPI:
    """The page as an application.

    Args:
      folder: where uploads and results go while they are needed.
      model: the network that paints, by name or file.
      limits: what a visitor may ask for.
      auth: user and password; None: everybody may come in.
      local: answer only requests to this machine by a name of its own.
      hire: starts workers that do the jobs; None: this process does them.

    Raises:
      JaxnstError: there is no such model.
    """
    # Read by Gradio when it is imported, and afterwards.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(folder),
                      HF_HUB_OFFLINE="1")  # fmt: skip
    import gradio
    from starlette.staticfiles import StaticFiles

    from jaxnst.web.live_tab import PATH
    from jaxnst.web.page import STATIC, build_page, looks
    from jaxnst.web.security import Gate
    from jaxnst.web.shared import Studio
    from jaxnst.web.storage import Quota

    limits = limits or Limits()
    studio = Studio(folder, model, limits, hire)
    page, live = build_page(studio)
    app = FastAPI(title="jaxnst", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_websocket_route(PATH, live.serve)
    app.mount("/jaxnst", StaticFiles(directory=STATIC))
    app.state.presence = studio.presence
    quota = Quota(int(1e6 * limits.visitor_uploads), int(1e6 * limits.storage))
    app.add_middleware(Gate, largest=limits.upload, quota=quota, presence=studio.presence)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])
    return gradio.mount_gradio_app(
        app, page, path="/", auth=auth, show_error=False, ssr_mode=False, mcp_server=False,
        max_file_size=int(1e6 * limits.upload), footer_links=["api", "settings"],
        run_history=False, enable_monitoring=False, pwa=False, **looks(),
    )  # fmt: skip
