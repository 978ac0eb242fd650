"""The tab that paints like any picture, by optimizing pixels as in Gatys et al. (2016)."""

import dataclasses
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import pandas as pd

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import Picture
from jaxnst.io.files import hashed
from jaxnst.io.resize import MIN_SIDE
from jaxnst.ops.pixels import from_uint8, to_uint8
from jaxnst.optimize.job import Job, Style
from jaxnst.optimize.loss_table import LossRow
from jaxnst.optimize.presets import PaintOptions, override
from jaxnst.optimize.stylize import make_job
from jaxnst.web.controls import PRIVATE, offer, picture_input
from jaxnst.web.optimize_controls import (
    COLUMNS,
    FIRST,
    LARGEST,
    LONGEST,
    SMALL,
    advanced_inputs,
    amount_inputs,
    further_styles,
    known_preset,
    preset_input,
    result_outputs,
    shown_of,
)
from jaxnst.web.security import friendly
from jaxnst.web.shared import Studio, whole
from jaxnst.web.workshop import Glimpse

Uploads = Mapping[str, list[dict[str, str]]]
"""Names and hashes of pictures by what they are for, "content" and "styles"."""

_POINTS = 300  # of a curve that is drawn
_DRAWN = {"content": "from the photo", "style": "from the painting"}


class Canvas(NamedTuple):
    """What a visitor's last run has made, to go on from."""

    photo: int
    """Checksum of what was painted."""
    image: np.ndarray
    rows: tuple[LossRow, ...]


Step = tuple[Any, Any, Any, Any, Any]
"""What the page is shown: picture, status, losses, file, and the canvas to go on from."""


class OptimizeTab:
    """Optimizes paintings for visitors, each of whom can stop their own."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._stops: dict[str | None, threading.Event] = {}

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        anew, on, last = gr.State(False), gr.State(True), gr.State(None, time_to_live=3600)
        gr.Markdown(
            "Give a photo and any painting: the photo is painted like it in seconds, and then made "
            "better step by step. This takes minutes; you can watch, stop when you like it, and go "
            "on."
        )
        with gr.Row(equal_height=False):
            with gr.Column(min_width=340):
                with gr.Row():
                    with gr.Column(min_width=150):
                        photo = picture_input(
                            "Photo", "optimize-photo", height=SMALL, samples="photos"
                        )
                    with gr.Column(min_width=150):
                        style = picture_input(
                            "Painting", "optimize-style", height=SMALL, samples="styles",
                            webcam=False,
                        )  # fmt: skip
                options = known_preset(FIRST)
                preset, amount = preset_input(), amount_inputs(options)
                with gr.Row():
                    go = gr.Button("Paint", variant="primary", elem_id="optimize-go", min_width=90)
                    stop = gr.Button("Stop", elem_id="optimize-stop", min_width=90)
                    again = gr.Button("Go on", elem_id="optimize-more", min_width=90)
                further, advanced = further_styles(), advanced_inputs(options)
            with gr.Column(min_width=340):
                outputs = result_outputs()
        presets = [*amount, *advanced[:3]]
        preset.input(
            friendly(shown_of), preset, presets, queue=False, show_progress="hidden", **PRIVATE
        )
        inputs = [photo, style, *further, preset, *amount, *advanced]
        outputs = [*outputs, last]
        lane: Any = {"concurrency_id": "optimizing",
                     "concurrency_limit": self._studio.workshop.size,
                     "show_progress": "minimal", "show_progress_on": outputs[0]}  # fmt: skip
        optimize_ = friendly(self.optimize)
        first = go.click(optimize_, [anew, last, *inputs], outputs, api_name="optimize", **lane)
        more = again.click(optimize_, [on, last, *inputs], outputs, api_name="go_on", **lane)
        for job in (first, more):
            offer(job, outputs[:3], outputs[3])
        stop.click(self.stop, None, None, queue=False, api_name="stop")

    def stop(self, request: gr.Request) -> None:
        """Asks the visitor's run to end; its picture so far is the result."""
        if request.session_hash in self._stops:
            self._stops[request.session_hash].set()

    def optimize(
        self,
        goes_on: bool,
        last: Canvas | None,
        request: gr.Request,
        photo: str,
        style: str,
        weight: float = 1.0,
        style_2: str | None = None,
        weight_2: float = 1.0,
        style_3: str | None = None,
        weight_3: float = 1.0,
        preset: str = FIRST,
        size: float = 384,
        iterations: float = 90,
        content_weight: float | None = None,
        style_weight: float | None = None,
        tv_weight: float | None = None,
        style_scale: float = 1.0,
        keep_colors: str = "no",
        seed: float = 0,
    ) -> Iterator[Step]:
        """Paints a photo in the style of another picture, by optimizing its pixels.

        Args:
          goes_on: whether to go on from what the visitor's last run has made.
          last: what that is.
          request: whose run it is.
          photo: what is painted.
          style: whose style it gets.
          weight: of this style in a blend.
          style_2: another style.
          weight_2: its weight.
          style_3: another style.
          weight_3: its weight.
          preset: where options that are not given come from.
          size: longer side of the result in pixels.
          iterations: evaluations of the loss.
          content_weight: of the photo; none: as the preset says.
          style_weight: of the styles; none: as the preset says.
          tv_weight: of smoothness; none: as the preset says.
          style_scale: longer side of the style pictures, relative to that of the result.
          keep_colors: "no", "luma" or "match".
          seed: of what is random.

        Yields:
          The picture so far, how far it is, the losses; in the end the painting as a PNG file.
        """
        weights = {"content_weight": content_weight, "style_weight": style_weight,
                   "tv_weight": tv_weight}  # fmt: skip
        options = override(
            known_preset(preset),
            {
                "size": whole("size", size, LARGEST),
                "iterations": whole("iterations", iterations, LONGEST),
                "style_scale": style_scale,
                "keep_colors": keep_colors,
                "seed": whole("seed", seed, 2**32 - 1),
                **{name: value for name, value in weights.items() if value is not None},
                **({"coarsest": 0} if goes_on else {}),
            },
        )
        pictures = [(style, weight), (style_2, weight_2), (style_3, weight_3)]
        if photo is None or not any(path for path, _ in pictures):
            raise JaxnstError("Choose a photo and a painting first.")
        picture = self._studio.open(photo)
        content = picture.rgb
        checksum = zlib.crc32(content.tobytes())
        if goes_on and (last is None or last.photo != checksum):
            raise JaxnstError("There is nothing to go on from: paint this photo first.")
        paintings = [(self._studio.open(path), one) for path, one in pictures if path]
        start = last.image if goes_on and last else None
        if not goes_on and len(paintings) == 1:
            yield None, "Getting ready …", gr.skip(), None, gr.skip()
            quick = self._at_once(picture, paintings[0][0], options)
            start = quick if min(quick.shape[:2]) >= MIN_SIDE else None
            view = self._studio.results.show(picture.with_rgb(quick))
            yield view, "A quick painting, to be made better …", gr.skip(), None, gr.skip()
        job = make_job(
            content,
            [Style(painting.rgb, one, alpha=painting.alpha) for painting, one in paintings],
            options,
            start=start,
        )
        canvas = last if goes_on and last else Canvas(checksum, content, ())
        # Now, as the run may last longer than uploads are kept.
        paths = [path for path, _ in pictures if path]
        uploads = {"content": hashed([photo]), "styles": hashed(paths)}
        yield from self._run(picture, job, options, canvas, uploads, request.session_hash)

    def _at_once(self, photo: Picture, painting: Picture, options: PaintOptions) -> np.ndarray:
        """The photo in the style of the painting, in one pass, from which the run begins."""
        keep_colors = options.keep_colors == "luma"
        quick = self._studio.workshop.paint_like(
            painting, to_uint8(photo.rgb), 1.0, keep_colors, options.size
        )
        return from_uint8(quick)

    def _run(
        self,
        photo: Picture,
        job: Job,
        options: PaintOptions,
        canvas: Canvas,
        uploads: Uploads,
        visitor: str | None,
    ) -> Iterator[Step]:
        """The steps of a run, which ends early when its visitor wants it to, or has gone."""
        stop = self._stops[visitor] = threading.Event()
        rows, results = list(canvas.rows), self._studio.results
        first, last = len(rows), None
        try:
            yield None, "Getting ready …", gr.skip(), None, gr.skip()
            with closing(self._studio.workshop.optimize(job, options)) as run:
                for last in run:
                    self._studio.presence.check(visitor)
                    rows += [row._replace(iteration=first + row.iteration) for row in last.rows]
                    if stop.is_set():
                        break
                    view = results.show(photo.with_rgb(last.finished))
                    yield view, _status(last, first), _curves(rows), None, gr.skip()
        finally:
            if self._stops.get(visitor) is stop:
                del self._stops[visitor]
        assert last is not None  # every run has an iteration
        result = photo.with_rgb(last.finished)
        record = dataclasses.asdict(options)
        record["blend"] = [style.weight for style in job.styles]
        record |= {"stopped_at": last.iteration, "went_on_after": first}
        file = results.keep(result, "painting", {**uploads, "options": record})
        ended = "Stopped" if stop.is_set() else "Done"
        status = f"**{ended}** after {first + last.iteration} steps."
        canvas = canvas._replace(image=last.image, rows=tuple(rows))
        yield results.show(result), status, _curves(rows), file, canvas


def _in_words(left: float | None) -> str:
    """The time left, in seconds, to follow what is done; nothing if it is unknown."""
    if left is None:
        return ""
    return f" · about {left:.0f} s left" if left < 100 else f" · about {left / 60:.0f} min left"


def _status(glimpse: Glimpse, first: int) -> str:
    """How far a run is that began after `first` steps."""
    steps = f"step {first + glimpse.iteration} of {first + glimpse.total}"
    return f"**{100 * glimpse.done:.0f} %** · {steps}{_in_words(glimpse.left)}"


def _curves(rows: Sequence[LossRow]) -> pd.DataFrame:
    """Total, content and style loss over the iterations, thinned out to what can be seen."""
    step = -(-len(rows) // _POINTS)
    points = [
        (row.iteration, value, name)
        for row in rows[::step]
        for name, value in (
            ("in all", row.loss),
            *((title, row.parts[part]) for part, title in _DRAWN.items()),
        )
    ]
    return pd.DataFrame(points, columns=COLUMNS)
