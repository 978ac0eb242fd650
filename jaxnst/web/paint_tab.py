"""The tab that paints a photo in one pass."""

from functools import cached_property
from typing import Any

import gradio as gr
import numpy as np

from jaxnst.errors import JaxnstError, check_choice, check_number
from jaxnst.io.codec import Picture, load
from jaxnst.io.files import hashed
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.io.sheets import contact_sheet
from jaxnst.networks.model_file import PHOTO
from jaxnst.ops.pixels import to_uint8
from jaxnst.web.security import friendly
from jaxnst.web.shared import SAMPLES, Studio, whole

SIZES = {"At most 640 pixels": "640", "At most 1280 pixels": "1280",
         "At most 2560 pixels": "2560", "As the photo": "full"}  # fmt: skip
PAINTING: Any = {"concurrency_id": "painting", "concurrency_limit": 1}
"""Of handlers that wait in the queue for quick jobs."""
PRIVATE: Any = {"api_visibility": "private"}
"""Of handlers that only the page itself calls."""

_SHEET = 512  # pixels, of the pictures on the sheet of all styles
_THUMBNAIL = 160


class PaintTab:
    """Paints photos for visitors."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        with gr.Row(equal_height=False):
            with gr.Column():
                photo = photo_input("Photo", "paint-photo")
                gallery = self._gallery()
                controls = style_controls(self._studio)
                size = gr.Dropdown(list(SIZES.items()), value="1280", label="Size")
                with gr.Row():
                    go = gr.Button("Paint", variant="primary", elem_id="paint-go")
                    all_styles = gr.Button("All styles", elem_id="paint-sheet")
            with gr.Column():
                result = both_views("Photo | painting", "paint-result")
                file = gr.DownloadButton("Download", elem_id="paint-download")
                sheet = gr.Image(
                    label="All styles", type="filepath", interactive=False, visible=False,
                    elem_id="paint-all", buttons=["download", "fullscreen"],
                )  # fmt: skip
        samples = sorted(str(path) for path in (SAMPLES / "photos").glob("*.jpg"))
        gr.Examples(samples, photo, label="Photos to try")
        inputs, outputs = [photo, *controls, size], [result, file]
        go.click(friendly(self.paint), inputs, outputs, api_name="paint", **PAINTING)
        chosen = gallery.select(friendly(self._chosen), None, controls[0], queue=False, **PRIVATE)
        chosen.then(friendly(self.repaint), inputs, outputs, **PRIVATE, **PAINTING)
        room = all_styles.click(_room, None, sheet, queue=False, **PRIVATE)
        room.then(friendly(self.sheet), [photo], sheet, api_name="contact_sheet", **PAINTING)

    def repaint(self, photo: str | None, *choices: Any) -> tuple[Any, Any]:
        """Paints anew after another style was chosen, if there is something to paint."""
        return (gr.skip(), gr.skip()) if photo is None else self.paint(photo, *choices)

    def paint(
        self,
        photo: str,
        style: str,
        second_style: str = "",
        mix: float = 0.5,
        strength: float = 1.0,
        keep_colors: bool = False,
        size: str = "1280",
    ) -> tuple[tuple[str, str], str]:
        """Paints a photo in one pass of a trained network.

        Args:
          photo: the picture.
          style: the name of a style.
          second_style: another to blend it with; empty: none.
          mix: share of the second style, 0 to 1.
          strength: 0, the photo as it is, to 2.
          keep_colors: keep the photo's colours.
          size: "640", "1280" or "2560", how long the longer side may be, or "full".

        Returns:
          The photo and the painting as the page shows them, and the painting as a PNG file.
        """
        look = self.look(style, second_style, mix)
        check_choice("size", size, SIZES.values())
        picture = self._opened(photo)
        pixels = to_uint8(picture.rgb)
        longest = max(pixels.shape[:2])
        longest = longest if size == "full" else min(longest, int(size))
        height, width = fit_long_side(pixels.shape[:2], longest)
        if height * width > self._studio.limits.pixels:
            raise JaxnstError("The result would be too large: choose a smaller size.")
        painted = self._studio.stylizer(
            pixels, look, strength=strength, keep_colors=bool(keep_colors), size=longest
        )
        rgb = painted.astype(np.float32) / 255
        settings = {"styles": look, "strength": strength, "keep_colors": keep_colors}
        studio = self._studio
        before = studio.show(resize(picture.rgb, (height, width)))
        file = studio.keep(
            picture.with_rgb(rgb), "painting", settings | {"size": longest},
            {"content": hashed([photo])}, studio.stylizer.model,
        )  # fmt: skip
        return (before, studio.show(rgb)), file

    def sheet(self, photo: str) -> str:
        """Paints a photo in every style there is, on one sheet.

        Args:
          photo: the picture.

        Returns:
          The sheet, a PNG file.
        """
        pixels = to_uint8(self._opened(photo).rgb)
        paint = self._studio.stylizer
        size = min(_SHEET, max(pixels.shape[:2]))
        painted = {
            title: paint(pixels, name, size=size) for name, title in self._studio.styles.items()
        }
        return self._studio.keep(
            Picture(contact_sheet(painted)), "styles", {"styles": list(painted)},
            {"content": hashed([photo])}, paint.model,
        )  # fmt: skip

    def _gallery(self) -> gr.Gallery:
        return gr.Gallery(
            self._thumbnails, label="Style", show_label=False, columns=4, height="auto",
            allow_preview=False, buttons=[], interactive=False, elem_id="paint-gallery",
        )  # fmt: skip

    def _chosen(self, event: gr.SelectData) -> str:
        """The style whose thumbnail was clicked."""
        names = list(self._studio.styles)
        return names[whole("index", event.index, len(names) - 1)]

    def look(self, style: str, second: str, mix: float) -> dict[str, float]:
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
        paint = self._studio.stylizer
        styles = self._studio.styles.items()
        return [(paint(pixels, name, size=_THUMBNAIL), title) for name, title in styles]


def photo_input(label: str, name: str, height: int = 320, *, webcam: bool = True) -> gr.Image:
    """Where a visitor gives a picture; handlers get the path of the upload."""
    image = gr.Image(
        label=label, type="filepath", height=height, elem_id=name,
        sources=["upload", "webcam", "clipboard"] if webcam else ["upload", "clipboard"],
    )  # fmt: skip
    # Gradio's own would already decode it, without a limit of its size. Not by a subclass, beside
    # whose source Gradio would write a file of types.
    image.preprocess = _path  # type: ignore[method-assign, assignment]
    return image


def _path(upload: Any) -> str | None:
    return None if upload is None else upload.path


def both_views(label: str, name: str) -> gr.ImageSlider:
    """Before and after, with a slider between them."""
    return gr.ImageSlider(
        label=label, type="filepath", interactive=False, elem_id=name, buttons=["fullscreen"]
    )


def _room() -> gr.Image:
    """A place for the sheet of all styles."""
    return gr.Image(visible=True)


def style_controls(studio: Studio) -> list[Any]:
    """What `look`, and strength and colours, are chosen by; a list of inputs."""
    choices = [(title, name) for name, title in studio.styles_and_artists.items()]
    first = next(iter(studio.styles))
    has_strengths = PHOTO in studio.stylizer.model.rows
    style = gr.Dropdown(choices, value=first, label="Style")
    with gr.Row():
        second = gr.Dropdown([("None", ""), *choices], value="", label="Blend with", min_width=240)
        mix = gr.Slider(0, 1, 0.5, step=0.05, label="Its share", min_width=240)
    strength = gr.Slider(0, 2, 1, step=0.05, label="Strength", interactive=has_strengths)
    keep_colors = gr.Checkbox(False, label="Keep the photo's colours")
    return [style, second, mix, strength, keep_colors]
