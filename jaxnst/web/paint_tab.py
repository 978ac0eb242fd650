"""The tab that paints a photo in one pass: a tap on a style is enough."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.io.codec import Picture, load
from jaxnst.io.files import hashed
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.io.sheets import contact_sheet
from jaxnst.networks.gallery import Weights
from jaxnst.ops.pixels import to_uint8
from jaxnst.web.controls import (
    PRIVATE,
    blend_controls,
    both_views,
    download_button,
    offer,
    painting,
    picture_input,
    style_choice,
)
from jaxnst.web.security import friendly
from jaxnst.web.shared import SAMPLES, Studio, whole

SIZES = {"At most 640 pixels": "640", "At most 1280 pixels": "1280",
         "At most 2560 pixels": "2560", "As the photo": "full"}  # fmt: skip

_WAITING = "Choose a photo: it is painted at once."
_SHEET = 512  # pixels, of the pictures on the sheet of all styles

Step = tuple[Any, Any, Any]
"""What the page is shown: photo and painting, a line about them, and the file."""


class _Order(NamedTuple):
    """What is to be painted, and how."""

    path: str
    picture: Picture
    pixels: np.ndarray
    look: Weights
    strength: float
    keep_colors: bool
    longest: int
    own: str | None
    """A painting of the visitor's, whose style it gets instead."""


class PaintTab:
    """Paints photos for visitors."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        studio = self._studio
        gr.Markdown("Tap a style, and your photo is painted in it, most often within a second.")
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=340):
                photo = picture_input("Photo", "paint-photo", height=210, samples="photos")
                gallery = self._gallery()
                with gr.Accordion("Or paint like any picture", open=False, elem_id="paint-any"):
                    own = picture_input(
                        "A painting of your own", "paint-own", height=160, webcam=False,
                        samples="styles",
                    )  # fmt: skip
            with gr.Column(scale=1, min_width=340):
                result = both_views("Photo | painting", "paint-result", 400)
                status = gr.Markdown(_WAITING, elem_id="paint-status")
                with gr.Row():
                    file = download_button("paint-download")
                    all_styles = gr.Button("In every style", elem_id="paint-sheet")
                second, mix, strength, keep_colors = blend_controls(studio, "paint")
                size = gr.Dropdown(list(SIZES.items()), value="1280", label="Size of the painting")
                sheet = gr.Image(
                    label="In every style", type="filepath", interactive=False, visible=False,
                    elem_id="paint-all", buttons=["download", "fullscreen"],
                )  # fmt: skip
        style = style_choice(studio, visible="hidden")
        inputs = [photo, style, second, mix, strength, keep_colors, size, own]
        gallery.select(
            friendly(self._chosen), None, [style, own], queue=False, show_progress="hidden",
            **PRIVATE,
        )  # fmt: skip
        own.change(_blending, own, [second, mix], queue=False, show_progress="hidden", **PRIVATE)
        lane = painting(studio)
        changes = [photo.change, style.change, own.change, second.input, keep_colors.input,
                   size.input, mix.release, strength.release]  # fmt: skip
        outputs = [result, status, file]
        repainted = gr.on(
            changes, friendly(self.repaint), inputs, outputs, trigger_mode="always_last",
            show_progress="minimal", show_progress_on=result, **PRIVATE, **lane,
        )  # fmt: skip
        offer(repainted, [result, status], file)
        gr.on([], friendly(self.paint), inputs, [result, file], api_name="paint", **lane)
        room = all_styles.click(_room, None, sheet, queue=False, **PRIVATE)
        room.then(friendly(self.sheet), photo, sheet, api_name="contact_sheet", **lane)

    def paint(
        self,
        photo: str,
        style: str,
        second_style: str = "",
        mix: float = 0.5,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: str = "1280",
        own: str | None = None,
    ) -> tuple[tuple[str, str], str]:
        """Paints a photo in one pass of a trained network.

        Args:
          photo: the picture.
          style: the name of a style.
          second_style: another to blend it with; empty: none.
          mix: share of the second style, 0 to 1.
          strength: 0, the photo as it is, to 2.
          keep_colors: keep the photo's colors.
          size: "640", "1280" or "2560", how long the longer side may be, or "full".
          own: a picture whose style it gets instead of both, up to a strength of 1.

        Returns:
          The photo and the painting as the page shows them, and the painting as a PNG file.
        """
        look = self.look(style, second_style, mix)
        return self._painted(self._order(photo, look, strength, keep_colors, size, own))

    def repaint(
        self,
        photo: str | None,
        style: str,
        second_style: str,
        mix: float,
        strength: float,
        keep_colors: bool,
        size: str,
        own: str | None = None,
    ) -> Iterator[Step]:
        """Paints what the page's controls say: first a small preview, if it takes seconds."""
        if photo is None:
            yield None, _WAITING, None
            return
        look = self.look(style, second_style, mix)
        order = self._order(photo, look, strength, keep_colors, size, own)
        waits = gr.DownloadButton(value=None, interactive=False)
        if order.own is not None:
            yield gr.skip(), "Painting like your picture takes some seconds.", waits
        elif self._studio.takes_long(order.pixels, order.keep_colors, order.longest):
            note = "A preview: the first painting of a size takes some ten seconds, later ones one."
            yield self._previewed(order), note, waits
        views, file = self._painted(order)
        yield views, self._caption(order), file

    def sheet(self, photo: str) -> str:
        """Paints a photo in every style there is, on one sheet.

        Args:
          photo: the picture.

        Returns:
          The sheet, a PNG file.
        """
        studio = self._studio
        pixels = to_uint8(self._opened(photo).rgb)
        size = min(_SHEET, max(pixels.shape[:2]))
        painted = {
            title: studio.paint(pixels, {name: 1.0}, 1.0, False, size)
            for name, title in studio.styles.items()
        }
        record = {"content": hashed([photo]), "model": studio.model_record}
        options = {"options": {"styles": list(painted)}}
        return studio.results.keep(Picture(contact_sheet(painted)), "styles", record | options)

    def _order(
        self,
        photo: str | None,
        look: Weights,
        strength: float,
        keep_colors: bool,
        size: str,
        own: str | None,
    ) -> _Order:
        check_choice("size", size, SIZES.values())
        self._studio.check_look(look, strength)
        picture = self._opened(photo)
        pixels = to_uint8(picture.rgb)
        longest = max(pixels.shape[:2])
        longest = longest if size == "full" else min(longest, int(size))
        height, width = fit_long_side(pixels.shape[:2], longest)
        if height * width > self._studio.limits.pixels:
            raise JaxnstError("The result would be too large: choose a smaller size.")
        return _Order(str(photo), picture, pixels, look, strength, bool(keep_colors), longest, own)

    def _previewed(self, order: _Order) -> tuple[str, str]:
        """The photo, and a small painting made as large, as the page shows them."""
        results = self._studio.results
        small = self._studio.workshop.preview(
            order.pixels, order.look, order.strength, order.keep_colors
        )
        size = fit_long_side(order.pixels.shape[:2], order.longest)
        large = resize(small.astype(np.float32) / 255, size)
        picture = order.picture
        before = picture.with_rgb(resize(picture.rgb, size))
        return results.show(before), results.show(picture.with_rgb(large))

    def _painted(self, order: _Order) -> tuple[tuple[str, str], str]:
        studio = self._studio
        how: dict[str, Any] = {
            "strength": order.strength,
            "keep_colors": order.keep_colors,
            "size": order.longest,
        }
        if order.own is None:
            painted = studio.paint(order.pixels, order.look, **how)
            record: dict[str, Any] = {"model": studio.model_record}
            options = {"styles": dict(order.look), **how}
        else:
            options = how | {"strength": min(1.0, order.strength)}
            painted = studio.workshop.paint_like(studio.open(order.own), order.pixels, **options)
            record = {"styles": hashed([order.own]), "method": "fast"}
        rgb = painted.astype(np.float32) / 255
        record["content"] = hashed([order.path])
        painting = order.picture.with_rgb(rgb)
        before = order.picture.with_rgb(resize(order.picture.rgb, rgb.shape[:2]))
        file = studio.results.keep(painting, "painting", record | {"options": options})
        return (studio.results.show(before), studio.results.show(painting)), file

    def _caption(self, order: _Order) -> str:
        """What was painted: in whose style, and how large."""
        studio = self._studio
        height, width = fit_long_side(order.pixels.shape[:2], order.longest)
        size = f"{width} by {height} pixels"
        if order.own is not None:
            return f"*Like your picture* · {size}"
        named = [
            f"*{studio.styles[name]}*"
            + (f" by {studio.artists[name]}" if name in studio.artists else "")
            for name in order.look
        ]
        return f"{' and '.join(named)} · {size}"

    def _gallery(self) -> gr.Gallery:
        return gr.Gallery(
            self._thumbnails, label="Style", show_label=False, columns=6, height="auto",
            allow_preview=False, buttons=[], interactive=False, selected_index=0,
            elem_id="paint-gallery",
        )  # fmt: skip

    def _chosen(self, event: gr.SelectData) -> tuple[str, None]:
        """The style whose thumbnail was tapped, and no picture instead."""
        names = list(self._studio.styles)
        return names[whole("index", event.index, len(names) - 1)], None

    def look(self, style: str, second: str, mix: float) -> Weights:
        """Weights of styles, from what the controls say."""
        check_number("mix", mix, high=1)
        check_choice("style", style, self._studio.styles)
        if second in ("", style):
            return {style: 1.0}
        check_choice("style", second, self._studio.styles)
        return {style: 1 - mix, second: mix}

    def _opened(self, photo: str | None) -> Picture:
        if photo is None:
            raise JaxnstError("Choose a photo first.")
        return self._studio.open(photo)

    @cached_property
    def _thumbnails(self) -> list[tuple[np.ndarray, str]]:
        """A photo in every style, which shows more of them than the paintings would."""
        pixels = to_uint8(load(SAMPLES / "photos" / "cat.jpg").rgb)
        styles = self._studio.styles.items()
        preview = self._studio.workshop.preview
        return [(preview(pixels, {name: 1.0}, 1.0, False), title) for name, title in styles]


def _blending(own: str | None) -> tuple[gr.Dropdown, gr.Slider]:
    """A second style and its share, which a picture of the visitor's has not."""
    why = "" if own is None else "Not with a picture of your own, whose strength is 1 at most."
    return gr.Dropdown(interactive=own is None, info=why), gr.Slider(interactive=own is None)


def _room() -> gr.Image:
    """A place for the sheet of all styles."""
    return gr.Image(visible=True)
