"""Parts of the page that several tabs have."""

from pathlib import Path
from typing import Any, Literal

import gradio as gr

from jaxnst.web.shared import SAMPLES, Studio

PRIVATE: Any = {"api_visibility": "private"}
"""Of handlers that only the page itself calls."""

_ENABLE = "(file) => ({ __type__: 'update', interactive: Boolean(file) })"


def painting(studio: Studio) -> dict[str, Any]:
    """What handlers have that wait in the queue for quick jobs."""
    return {"concurrency_id": "painting", "concurrency_limit": studio.workshop.size}


def picture_input(
    label: str, name: str, *, height: int, webcam: bool = True, samples: str = ""
) -> gr.Image:
    """Where a visitor gives a picture; handlers get the path of the upload.

    Args:
      label: what it is for.
      name: its id on the page.
      height: in pixels.
      webcam: whether the webcam can take it.
      samples: which of the pictures that ship can be chosen below it, "photos" or "styles".
    """
    image = gr.Image(
        label=label, type="filepath", height=height, elem_id=name, buttons=[],
        sources=["upload", "webcam", "clipboard"] if webcam else ["upload", "clipboard"],
    )  # fmt: skip
    if samples:
        paths = [str(path) for path in sample_pictures(samples)]
        gr.Examples(paths, image, label="or one of these", elem_id=f"{name}-samples")
    return image


def sample_pictures(kind: str) -> list[Path]:
    """The pictures that ship, "photos" or "styles"."""
    return sorted((SAMPLES / kind).glob("*.jpg"))


def both_views(label: str, name: str, height: int) -> gr.ImageSlider:
    """Before and after, with a slider between them."""
    return gr.ImageSlider(
        label=label, type="filepath", interactive=False, elem_id=name, buttons=["fullscreen"],
        height=height,
    )  # fmt: skip


def download_button(name: str) -> gr.DownloadButton:
    """A button that can be pressed once there is a file; see `offer`."""
    return gr.DownloadButton("Download", interactive=False, elem_id=name)


def offer(job: Any, results: list[Any], file: gr.DownloadButton) -> None:
    """Lets a job's file be downloaded after it has succeeded, and clears all after it has failed.

    So the button never gives the file of an earlier job.
    """
    job.success(None, file, file, js=_ENABLE, **PRIVATE)
    job.failure(lambda: [None] * len(results), None, results, queue=False, **PRIVATE).then(
        lambda: gr.DownloadButton(value=None, interactive=False), None, file, queue=False, **PRIVATE
    )


def style_choice(studio: Studio, *, visible: bool | Literal["hidden"] = True) -> gr.Dropdown:
    """Where a style is chosen by its name."""
    choices = [(title, name) for name, title in studio.styles.items()]
    return gr.Dropdown(choices, value=choices[0][1], label="Style", visible=visible)


def blend_controls(studio: Studio, tab: str) -> list[Any]:
    """A second style and how much of it, strength, and whose colors; a list of inputs."""
    choices = [("None", ""), *((title, name) for name, title in studio.styles.items())]
    strength = gr.Slider(
        0, 2, 1, step=0.05, label="Strength", interactive=studio.has_strengths,
        info="0: the photo as it is. 2: twice the style.", elem_id=f"{tab}-strength",
    )  # fmt: skip
    with gr.Row():
        second = gr.Dropdown(
            choices, value="", label="Blend with", min_width=230, elem_id=f"{tab}-second"
        )
        mix = gr.Slider(0, 1, 0.5, step=0.05, label="How much", min_width=230, elem_id=f"{tab}-mix")
    keep_colors = gr.Checkbox(False, label="Keep the photo's colors")
    return [second, mix, strength, keep_colors]
