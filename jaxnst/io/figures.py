"""Plots as PNG files, drawn by Matplotlib without a display."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxnst.io.files import atomic_write


def write_curves(path: Path, steps: Sequence[float], curves: Mapping[str, Sequence[float]]) -> None:
    """Losses over the steps of a training run, as a PNG."""
    write_figure(path, lambda: _curves_figure(steps, curves))


def write_figure(path: Path, make: Callable[[], Any]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import

    with atomic_write(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters the font has not, and of losses that are 0
        FigureCanvasAgg(make()).print_png(temporary)


def _curves_figure(steps: Sequence[float], curves: Mapping[str, Sequence[float]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    panel = figure.subplots()
    for name, values in curves.items():
        panel.plot(steps, values, "k" if name == "loss" else "", label=name)
    panel.set(xlabel="step", ylabel="weighted loss", yscale="log")
    panel.grid(alpha=0.25)
    panel.legend()
    return figure
