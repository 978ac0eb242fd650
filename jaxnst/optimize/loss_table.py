"""The losses of a run as a table (CSV) or a plot."""

import csv
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from jaxnst.io.figures import write_figure
from jaxnst.io.files import atomic_write
from jaxnst.optimize.run import PARTS, Progress

MAX_PANELS = 30  # of a plot; more take minutes to lay out, and cannot be read


class LossRow(NamedTuple):
    """The loss after one evaluation."""

    iteration: int
    size: int
    """Long side of the picture at this scale, in pixels."""
    loss: float
    parts: Mapping[str, float]


def loss_row(progress: Progress) -> LossRow:
    """The numbers of a run's progress, without its arrays."""
    size = max(progress.state.optimizer.image.shape[:2])
    return LossRow(progress.iteration, size, progress.loss, progress.parts)


def write_loss_csv(path: Path, runs: Mapping[str, Sequence[LossRow]]) -> None:
    """One line per evaluation: picture, iteration, size, loss and its parts, layer by layer."""
    layers = dict.fromkeys(name for rows in runs.values() for row in rows for name in row.parts)
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "iteration", "size", "loss", *layers])
        for picture, rows in runs.items():
            for row in rows:
                values = [row.parts.get(name, "") for name in layers]
                writer.writerow([picture, row.iteration, row.size, row.loss, *values])


def write_loss_plot(path: Path, runs: Mapping[str, Sequence[LossRow]]) -> None:
    """Content, style and total loss over iterations, a panel for each picture, as a PNG."""
    write_figure(path, lambda: _loss_figure(runs))


def _loss_figure(runs: Mapping[str, Sequence[LossRow]]) -> Any:
    from matplotlib.figure import Figure

    count = min(len(runs), MAX_PANELS)
    columns = min(3, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(1 + 5 * columns, 0.5 + 3.8 * rows), dpi=120, layout="constrained")
    if count < len(runs):
        figure.suptitle(f"the first {count} of {len(runs)} pictures")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (picture, losses) in zip(panels, runs.items(), strict=False):
        _draw_losses(panel, picture, losses)
    for panel in panels[count:]:
        panel.remove()
    return figure


def _draw_losses(panel: Any, picture: str, losses: Sequence[LossRow]) -> None:
    iterations = [row.iteration for row in losses]
    panel.plot(iterations, [row.loss for row in losses], "k", label="total", linewidth=1.8)
    for name in PARTS:
        values = [row.parts[name] for row in losses]
        if any(values):
            panel.plot(iterations, values, label=name)
    for before, row in pairwise(losses):
        if row.size != before.size:
            panel.axvline(row.iteration, color="0.8", linewidth=0.8, zorder=0)
            panel.annotate(
                f" {row.size} px", (row.iteration, 1), xycoords=("data", "axes fraction"),
                va="top", fontsize=8, color="0.5",
            )  # fmt: skip
    panel.set(xlabel="iteration", ylabel="weighted loss", yscale="log")
    panel.set_title(picture, parse_math=False)  # a file name may have dollars in it
    panel.grid(alpha=0.25)
    panel.legend()
