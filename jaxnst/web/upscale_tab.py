"""The tab that enlarges pictures."""

from typing import Any

import gradio as gr

from jaxnst.errors import JaxnstError
from jaxnst.io.files import hashed
from jaxnst.io.resize import resize
from jaxnst.web.controls import (
    PRIVATE,
    both_views,
    download_button,
    offer,
    painting,
    picture_input,
)
from jaxnst.web.security import friendly
from jaxnst.web.shared import Studio, whole


class UpscaleTab:
    """Enlarges pictures for visitors."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def build(self) -> None:
        """Lays the tab out, in the Blocks that are open."""
        scales = [(f"{scale} times", scale) for scale in self._studio.scales]
        gr.Markdown(
            "Makes a picture larger, with details that plain enlargement blurs. A small picture "
            "takes seconds, one of a megapixel a minute or more."
        )
        with gr.Row(equal_height=False):
            with gr.Column(min_width=340):
                photo = picture_input(
                    "Picture", "upscale-photo", height=240, webcam=False, samples="photos"
                )
                scale = gr.Radio(scales, value=4, label="How many times as wide and high")
                sharp = gr.Checkbox(
                    False, label="Sharper, but less true to the original", elem_id="upscale-sharp"
                )
                match = gr.Checkbox(False, label="Match the colors of the original exactly")
                go = gr.Button("Enlarge", variant="primary", elem_id="upscale-go")
            with gr.Column(min_width=340):
                result = both_views("Plain | detailed", "upscale-result", 460)
                file = download_button("upscale-download")
        scale.input(self._sharpness, scale, sharp, queue=False, show_progress="hidden", **PRIVATE)
        job = go.click(
            friendly(self.upscale), [photo, scale, sharp, match], [result, file],
            api_name="upscale", **painting(self._studio),
        )  # fmt: skip
        offer(job, [result], file)

    def _sharpness(self, scale: int) -> dict[str, Any]:
        """Offers the sharper network only where there is one."""
        if scale in self._studio.sharper_scales:
            return gr.update(interactive=True)
        return gr.update(interactive=False, value=False)

    def upscale(
        self,
        photo: str,
        scale: int = 4,
        sharp: bool = False,
        match_histogram: bool = False,
        request: gr.Request | None = None,
        progress: Any = gr.Progress(),  # noqa: B008 (how Gradio finds it)
    ) -> tuple[tuple[str, str], str]:
        """Enlarges a picture by a network for super-resolution.

        Args:
          photo: the picture, of any size.
          scale: how many times as wide and high.
          sharp: by the network trained by features.
          match_histogram: give the result the photo's histogram of colors.

        Returns:
          The picture by bicubic interpolation and by the network as the page shows them, and the
          latter as a PNG file.
        """
        studio = self._studio
        if photo is None:
            raise JaxnstError("Choose a picture first.")
        times = whole("scale", scale, 100)
        name, network = studio.upscaler(times, sharp=bool(sharp))
        picture = studio.open(photo, min_side=1, keep_profile=True)
        height, width = (times * side for side in picture.rgb.shape[:2])
        if height * width > studio.limits.pixels:
            raise JaxnstError(
                f"The result would have {height * width / 1e6:.0f} megapixels, more than "
                f"{studio.limits.megapixels:g}: give a smaller picture."
            )

        def tell(share: float) -> None:
            studio.presence.check(request.session_hash if request else None)
            progress(share)

        tell(0.0)
        large = studio.workshop.enlarge(name, picture, bool(match_histogram), tell)
        settings = {"scale": scale, "sharp": sharp, "match_histogram": match_histogram}
        before = studio.results.show(picture.with_rgb(resize(picture.rgb, (height, width))))
        record = {"content": hashed([photo]), "model": network, "options": settings}
        file = studio.results.keep(large, "large", record)
        return (before, studio.results.show(large)), file
