"""What the tab that optimizes has to fill in, and where its runs are watched."""

from typing import Any

import gradio as gr

from jaxnst.errors import check_choice
from jaxnst.optimize.presets import PaintOptions, load_preset, preset_names
from jaxnst.web.controls import download_button, picture_input

QUALITIES = {
    "fast": "To try things out: about a minute",
    "default": "Good: two to three minutes",
    "best": "Best: half an hour or more",
    "gatys_2016": "As in Gatys et al. (2016): twenty minutes",
    "johnson_2016": "As in Johnson et al. (2016): twenty minutes",
}
"""What presets are called on the page, with the time they take on two CPU cores."""

FIRST = "fast"
"""The preset that the page begins with."""
SMALL = 200
"""Height of pictures that are given, in pixels."""
LARGEST, LONGEST = 1536, 1000
"""Pixels of the longer side, and iterations, at most."""
COLUMNS = ["step", "difference", "what"]
"""Of the table of losses that is drawn."""


def known_preset(preset: str) -> PaintOptions:
    """A preset that ships: a visitor names no files."""
    check_choice("preset", preset, preset_names())
    return load_preset(preset)


def shown_of(preset: str) -> list[Any]:
    """What the page shows of a preset: size, iterations, and the weights of the losses."""
    options = known_preset(preset)
    loss = options.loss
    return [options.size, options.optimize.iterations,
            loss.content_weight, loss.style_weight, loss.tv_weight]  # fmt: skip


def result_outputs() -> list[Any]:
    """Where a run is watched."""
    return [
        gr.Image(
            label="Result", type="filepath", interactive=False, elem_id="optimize-result",
            buttons=["fullscreen"], height=400,
        ),
        gr.Markdown("", elem_id="optimize-status"),
        gr.LinePlot(
            x=COLUMNS[0], y=COLUMNS[1], color=COLUMNS[2], height=260, color_title="",
            show_label=False, title="How much the picture still differs",
            elem_id="optimize-plot",
        ),
        download_button("optimize-download"),
    ]  # fmt: skip


def preset_input() -> gr.Dropdown:
    """The presets, by what they are good for and how long they take."""
    choices = [(QUALITIES.get(name, name), name) for name in preset_names()]
    order = list(QUALITIES.values())
    choices.sort(key=lambda choice: order.index(choice[0]) if choice[0] in order else len(order))
    return gr.Dropdown(
        choices, value=FIRST, label="Quality", elem_id="optimize-quality",
        info="The times are those of two processor cores.",
    )  # fmt: skip


def amount_inputs(options: PaintOptions) -> list[Any]:
    """Size and iterations."""
    with gr.Row():
        return [
            gr.Slider(
                64, LARGEST, options.size, step=32, label="Size in pixels",
                elem_id="optimize-size", min_width=220,
            ),
            gr.Slider(
                1, LONGEST, options.optimize.iterations, step=1, label="Steps",
                elem_id="optimize-iterations", min_width=220,
            ),
        ]  # fmt: skip


def _style_weight(label: str) -> gr.Slider:
    return gr.Slider(0, 10, 1, step=0.1, label=label)


def further_styles() -> list[Any]:
    """Weight of the first painting, and further paintings with theirs."""
    with gr.Accordion("More paintings", open=False):
        first = _style_weight("How much the first counts")
        with gr.Row():
            second = picture_input(
                "Second painting", "optimize-style-2", height=SMALL, webcam=False
            )
            third = picture_input("Third painting", "optimize-style-3", height=SMALL, webcam=False)
        with gr.Row():
            weights = (
                _style_weight("How much the second counts"),
                _style_weight("How much the third counts"),
            )
    return [first, second, weights[0], third, weights[1]]


def advanced_inputs(options: PaintOptions) -> list[Any]:
    """Inputs that few need: the weights of the losses, the scale, colors and the seed."""
    colors = [("The painting's", "no"), ("The photo's, with the painting's lightness", "luma"),
              ("The photo's, given to the painting before", "match")]  # fmt: skip
    weights = [
        ("Likeness to the photo", "More keeps more of the photo.", "content"),
        ("Likeness to the painting", "More puts on more paint.", "style"),
        ("Smoothness", "More smooths out small strokes.", "smoothness"),
    ]
    values = shown_of(FIRST)[2:]
    with gr.Accordion("Advanced", open=False, elem_id="optimize-advanced"):
        with gr.Row():
            numbers = [
                gr.Number(value, label=label, info=info, elem_id=f"optimize-{name}", min_width=150)
                for value, (label, info, name) in zip(values, weights, strict=True)
            ]
        scale = gr.Slider(
            0.25, 2, options.style_scale, step=0.05, label="Size of the strokes",
            info="How large the painting is beside the result.",
        )  # fmt: skip
        keep = gr.Dropdown(colors, value=options.keep_colors, label="Colors")
        seed = gr.Number(
            options.optimize.seed, label="Number of the random start", precision=0,
            info="Each gives another picture, where painting starts from noise as in the papers.",
        )  # fmt: skip
    return [*numbers, scale, keep, seed]
