"""The page: its tabs, and how they look."""

from pathlib import Path
from typing import Any

import gradio as gr

from jaxnst.web.live_tab import LiveTab
from jaxnst.web.optimize_tab import OptimizeTab
from jaxnst.web.paint_tab import PaintTab
from jaxnst.web.security import GuardedBlocks
from jaxnst.web.shared import Studio
from jaxnst.web.storage import CLEAN
from jaxnst.web.upscale_tab import UpscaleTab

STATIC = Path(__file__).parent / "static"
_FONTS = ["system-ui", "sans-serif"]
_SESSIONS = 200  # visitors whose state is kept


def build_page(studio: Studio) -> tuple[gr.Blocks, LiveTab]:
    """The page for the visitors of a studio, and its tab with a connection of its own."""
    paint = PaintTab(studio)
    live = LiveTab(studio, paint)
    with GuardedBlocks(title="jaxnst", analytics_enabled=False, delete_cache=CLEAN) as page:
        gr.Markdown("# jaxnst", elem_id="title")
        with gr.Tab("Paint", id="paint"):
            paint.build()
        with gr.Tab("Any painting", id="optimize"):
            OptimizeTab(studio).build()
        with gr.Tab("Live", id="live"):
            live.build()
        with gr.Tab("Enlarge", id="upscale"):
            UpscaleTab(studio).build()
    page.queue(max_size=studio.limits.queue, api_open=False)
    page.state_session_capacity = _SESSIONS
    return page, live


def looks() -> dict[str, Any]:
    """How the page is dressed: fonts that are there, no others."""
    theme = gr.themes.Soft(font=_FONTS, font_mono=["ui-monospace", "monospace"])
    # Not by css_paths, whose rules Gradio confines to what is above the footer.
    head = '<link rel="stylesheet" href="/jaxnst/page.css">'
    scripts = [f'<script src="/jaxnst/{name}"></script>' for name in ("live.js", "page.js")]
    return {"theme": theme, "head": head + "".join(scripts)}
