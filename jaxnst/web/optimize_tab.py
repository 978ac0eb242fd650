"""The tab that optimises the pixels of a painting, after Gatys et al. (2016)."""

import dataclasses
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import pandas as pd

from jaxnst.errors import JaxnstError, check_choice
from jaxnst.io.codec import Picture
from jaxnst.io.files import hashed
from jaxnst.optimize import run as optimize
from jaxnst.optimize.loss_table import LossRow, loss_row
from jaxnst.optimize.presets import PaintOptions, load_preset, override, preset_names
from jaxnst.optimize.run import Job, Progress, Style
from jaxnst.optimize.stylize import finish, make_job
from jaxnst.web.paint_tab import photo_input
from jaxnst.web.security import friendly
from jaxnst.web.shared import SAMPLES, Studio, Uploads, whole

_SMALL = 220  # pixels, the height of pictures that are given
_EVERY = 1.0  # seconds between previews
_LARGEST, _LONGEST = 1536, 1000  # pixels of the longer side; iterations
_POINTS = 300  # of a curve that is drawn
_DRAWN = ("content", "style")
_COLUMNS = ["iteration", "loss", "part"]


class Canvas(NamedTuple):
    """What a visitor's last run has made, to go on from."""

    photo: int
    """Checksum of what was painted."""
    image: np.ndarray
    rows: tuple[LossRow, ...]


Step = tuple[Any, Any, Any, Any, Any]
"""What the page is shown: picture, status, losses, file, and the canvas to go on from."""


class OptimiseTab:
    """Optimises paintings for visitors, each of whom can stop their own."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._stops: dict[str | None, threading.Event] = {}

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        anew, on, last = gr.State(False), gr.State(True), gr.State(None, time_to_live=3600)
        with gr.Row(equal_height=False):
            with gr.Column():
                with gr.Row():
                    photo = photo_input("Photo", "optimise-photo", _SMALL)
                    style = photo_input("Painting", "optimise-style", _SMALL, webcam=False)
                choices = [*_further_styles(), *_amount(), *_advanced()]
                with gr.Row():
                    go = gr.Button("Paint", variant="primary", elem_id="optimise-go")
                    stop = gr.Button("Stop", elem_id="optimise-stop")
                    again = gr.Button("Go on", elem_id="optimise-more")
            with gr.Column():
                outputs = _results()
        photos, styles = (sorted((SAMPLES / kind).glob("*.jpg")) for kind in ("photos", "styles"))
        pairs = [[str(photos[0]), str(styles[0])], [str(photos[1]), str(styles[1])]]
        gr.Examples(pairs, [photo, style], label="Pictures to try")
        inputs, outputs = [photo, style, *choices], [*outputs, last]
        lane: Any = {"concurrency_id": "optimising", "concurrency_limit": 1}
        optimise = friendly(self.optimise)
        go.click(optimise, [anew, last, *inputs], outputs, api_name="optimise", **lane)
        again.click(optimise, [on, last, *inputs], outputs, api_name="go_on", **lane)
        stop.click(self.stop, None, None, queue=False, api_name="stop")

    def stop(self, request: gr.Request) -> None:
        """Asks the visitor's run to end; its picture so far is the result."""
        if request.session_hash in self._stops:
            self._stops[request.session_hash].set()

    def optimise(
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
        preset: str = "fast",
        size: float = 384,
        iterations: float = 100,
        content_weight: float | None = None,
        style_weight: float | None = None,
        tv_weight: float | None = None,
        style_scale: float = 1.0,
        keep_colors: str = "no",
        seed: float = 0,
    ) -> Iterator[Step]:
        """Paints a photo in the style of another picture, by optimising its pixels.

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
            _known(preset),
            {
                "size": whole("size", size, _LARGEST),
                "iterations": whole("iterations", iterations, _LONGEST),
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
        content = self._studio.open(photo).rgb
        checksum = zlib.crc32(content.tobytes())
        if goes_on and (last is None or last.photo != checksum):
            raise JaxnstError("There is nothing to go on from: paint this photo first.")
        start = last if goes_on else None
        paintings = [(self._studio.open(path), one) for path, one in pictures if path]
        job = make_job(
            content,
            [Style(picture.rgb, one, alpha=picture.alpha) for picture, one in paintings],
            options,
            start=start.image if start else None,
        )
        canvas = start or Canvas(checksum, content, ())
        # Now, as the run may last longer than uploads are kept.
        paths = [path for path, _ in pictures if path]
        uploads = {"content": hashed([photo]), "styles": hashed(paths)}
        yield from self._run(job, options, canvas, uploads, request.session_hash)

    def _run(
        self,
        job: Job,
        options: PaintOptions,
        canvas: Canvas,
        uploads: Uploads,
        visitor: str | None,
    ) -> Iterator[Step]:
        """The steps of a run, which ends early when its visitor wants it to, or has gone."""
        stop = self._stops[visitor] = threading.Event()
        rows = list(canvas.rows)
        first, began, shown = len(rows), time.monotonic(), 0.0
        progress = None
        self._studio.note_size(job.size)
        try:
            yield None, "Getting ready …", gr.skip(), None, gr.skip()
            for progress in optimize.run(self._studio.vgg(options.net), job):
                self._studio.presence.check(visitor)
                row = loss_row(progress)
                rows.append(row._replace(iteration=first + row.iteration))
                if stop.is_set():
                    break
                if time.monotonic() - shown >= _EVERY:
                    shown = time.monotonic()
                    status = _status(progress, optimize.work_done(job, progress.state), began)
                    yield self._studio.show(progress.image), status, _curves(rows), None, gr.skip()
        finally:
            if self._stops.get(visitor) is stop:
                del self._stops[visitor]
        assert progress is not None  # every run has an iteration
        result = finish(progress.image, job, options)
        record = dataclasses.asdict(options)
        record["blend"] = [style.weight for style in job.styles]
        record |= {"stopped_at": progress.iteration, "went_on_after": first}
        file = self._studio.keep(Picture(result), "painting", record, uploads)
        ended = "Stopped" if stop.is_set() else "Done"
        status = f"**{ended}** after {progress.iteration} iterations, loss {progress.loss:.4g}."
        canvas = canvas._replace(image=progress.image, rows=tuple(rows))
        yield self._studio.show(result), status, _curves(rows), file, canvas


def _known(preset: str) -> PaintOptions:
    """A preset that ships: a visitor names no files."""
    check_choice("preset", preset, preset_names())
    return load_preset(preset)


def _status(progress: Progress, done: float, began: float) -> str:
    left = (time.monotonic() - began) * (1 - done) / done
    return (
        f"**{100 * done:.0f} %** · iteration {progress.iteration} of {progress.total} · "
        f"loss {progress.loss:.4g} · about {left:.0f} s left"
    )


def _curves(rows: Sequence[LossRow]) -> pd.DataFrame:
    """Total, content and style loss over the iterations, thinned out to what can be seen."""
    step = -(-len(rows) // _POINTS)
    points = [
        (row.iteration, value, name)
        for row in rows[::step]
        for name, value in (("total", row.loss), *((part, row.parts[part]) for part in _DRAWN))
    ]
    return pd.DataFrame(points, columns=_COLUMNS)


def _results() -> list[Any]:
    """Where a run is watched."""
    return [
        gr.Image(
            label="Result", type="filepath", interactive=False, elem_id="optimise-result",
            buttons=["fullscreen"],
        ),
        gr.Markdown("", elem_id="optimise-status"),
        gr.LinePlot(
            x="iteration", y="loss", color="part", label="Losses", height=300,
            elem_id="optimise-plot",
        ),
        gr.DownloadButton("Download", elem_id="optimise-download"),
    ]  # fmt: skip


def _amount() -> list[Any]:
    """Preset, size and iterations."""
    with gr.Row():
        return [
            gr.Dropdown(list(preset_names()), value="fast", label="Preset"),
            gr.Slider(64, _LARGEST, 384, step=32, label="Size in pixels", elem_id="optimise-size"),
            gr.Slider(1, _LONGEST, 100, step=1, label="Iterations", elem_id="optimise-iterations"),
        ]


def _style_weight(label: str) -> gr.Slider:
    return gr.Slider(0, 10, 1, step=0.1, label=label)


def _further_styles() -> list[Any]:
    """Weight of the first painting, and further paintings with theirs."""
    with gr.Accordion("More paintings, and how much each counts", open=False):
        first = _style_weight("Weight of the first")
        with gr.Row():
            second = photo_input("Second painting", "optimise-style-2", _SMALL, webcam=False)
            third = photo_input("Third painting", "optimise-style-3", _SMALL, webcam=False)
        with gr.Row():
            weights = _style_weight("Weight of the second"), _style_weight("Weight of the third")
    return [first, second, weights[0], third, weights[1]]


def _advanced() -> list[Any]:
    """Inputs for those who know what they mean; an empty one leaves it to the preset."""
    colors = [("The painting's", "no"), ("The photo's, with the painting's lightness", "luma"),
              ("The photo's, matched before", "match")]  # fmt: skip
    with gr.Accordion("Advanced", open=False):
        with gr.Row():
            weights = [
                gr.Number(None, label=f"{name} weight", placeholder="as the preset says")
                for name in ("Content", "Style", "Smoothness")
            ]
        with gr.Row():
            scale = gr.Slider(0.25, 2, 1, step=0.05, label="Scale of the painting")
            keep = gr.Dropdown(colors, value="no", label="Colours")
            seed = gr.Number(0, label="Seed", precision=0)
    return [*weights, scale, keep, seed]
