"""What a run leaves to look at: its losses as a table, for TensorBoard and as a plot; pictures."""

import csv
import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import save
from jaxnst.io.figures import write_curves
from jaxnst.io.files import atomic_write, display_name, one_line
from jaxnst.ops.pixels import from_uint8
from jaxnst.training.data import middle_square
from jaxnst.training.run import Run
from jaxnst.training.step import TrainState

METRICS = "metrics.csv"
_GRID_PHOTOS = 4


class Records:
    """The files of a run in its work folder; use as a context manager.

    A run that goes on from a checkpoint forgets what was recorded behind it.
    """

    def __init__(self, work: Path, step: int) -> None:
        """Opens the records at a step."""
        from tensorboardX import SummaryWriter  # slow to import

        self._table = work / METRICS
        self._rows = [row for row in _read_table(self._table) if row["step"] <= step]
        self._events = SummaryWriter(str(work / "events"), purge_step=step + 1)
        self._work = work
        if self._rows:
            self._write_table()

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # An error that is on its way says more than one of writing.
        with suppress(JaxnstError) if error else nullcontext():
            self.write()
        self._events.close()

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Records the metrics of a step; they are in the table at once, whatever happens then."""
        row = {"step": step, **metrics}
        self._rows.append(row)
        if len(self._rows) == 1:
            self._write_table()
        else:
            with _writing(self._table), self._table.open("a", newline="") as file:
                csv.DictWriter(file, list(self._rows[0])).writerow(row)
        for name, value in metrics.items():
            self._events.add_scalar(name, value, step)

    def write(self) -> None:
        """Draws the plot of the losses so far."""
        if not self._rows:
            return
        shown = [name for name in self._rows[0] if name not in ("step", "gradient_norm")]
        curves = {name: [row[name] for row in self._rows] for name in shown}
        curves = {name: values for name, values in curves.items() if any(values)}
        write_curves(self._work / "losses.png", [row["step"] for row in self._rows], curves)

    def _write_table(self) -> None:
        with atomic_write(self._table) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self._rows[0]))
            writer.writeheader()
            writer.writerows(self._rows)


class PictureGrid:
    """What the network makes of a few fixed photos, a row each."""

    def __init__(self, run: Run) -> None:
        """Takes the first of the held-out photos, or of the others if none are."""
        photos = run.data.held_out if len(run.data.held_out) else run.data.train
        self._photos = [_middle(photos[i], run) for i in range(min(_GRID_PHOTOS, len(photos)))]
        self._show = functools.partial(run.task.show, frozen=run.frozen)

    def write(self, path: Path, state: TrainState) -> None:
        """Writes the photos, and beside them what is made of each."""
        params = state.average
        rows = [
            np.concatenate([photo, *self._show(params, photo=photo)], axis=1)
            for photo in self._photos
        ]
        path.parent.mkdir(exist_ok=True)
        save(path, np.clip(np.concatenate(rows), 0, 1))


def _middle(photo: np.ndarray, run: Run) -> np.ndarray:
    """The middle of a photo as it is trained on, float [crop, crop, 3]."""
    return from_uint8(middle_square(photo, run.config.data.crop))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JaxnstError(
            f"{display_name(path)}: cannot be written ({one_line(error)}); free some space"
        ) from error


def _read_table(path: Path) -> list[dict[str, float]]:
    """The rows of a table; the last one is left out if a kill cut it short."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        whole = [line for line in file if line.endswith("\n")]
    return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(whole)]
