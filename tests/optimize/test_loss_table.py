"""Loss tables, loss plots and comparisons."""

import csv

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.io.sheets import write_comparison
from jaxnst.optimize.loss_table import (
    MAX_PANELS,
    LossRow,
    loss_row,
    write_loss_csv,
    write_loss_plot,
)
from jaxnst.optimize.projected_lbfgs import LbfgsState
from jaxnst.optimize.run import Progress, RunState


def rows(count: int, **parts: float) -> list[LossRow]:
    losses = {"content": 1.0, "style": 2.0, "tv": 0.0} | parts
    return [LossRow(n, 32 if n < 3 else 64, 10.0 / n, losses) for n in range(1, count + 1)]


def test_row_of_a_progress():
    image = jnp.zeros((20, 30, 3))
    parts = {"content": 0.5, "style": 1.0, "tv": 0.0}
    state = RunState(0, 4, LbfgsState(image, 1.5, parts, image, (), 1.0), None)
    assert loss_row(Progress(4, 9, 1.5, parts, state)) == LossRow(4, 30, 1.5, parts)


def test_csv(tmp_path):
    runs = {
        'a, "b"': rows(2, **{"style/relu1_1": 0.1}),
        "ö": rows(1, **{"style/relu2_1": 1 / 3}),
    }
    write_loss_csv(tmp_path / "l.csv", runs)
    with (tmp_path / "l.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [row["picture"] for row in read] == ['a, "b"', 'a, "b"', "ö"]
    assert [row["style/relu1_1"] for row in read] == ["0.1", "0.1", ""]
    assert float(read[2]["style/relu2_1"]) == 1 / 3
    assert [row["loss"] for row in read[:2]] == ["10.0", "5.0"]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_plot_grows_with_its_panels(tmp_path, count):
    write_loss_plot(tmp_path / "l.png", {str(n): rows(5) for n in range(count)})
    with Image.open(tmp_path / "l.png") as image:
        width, height = image.size
    assert width == 120 * (1 + 5 * min(count, 3))
    assert height == pytest.approx(120 * (0.5 + 3.8 * (1 + (count > 3))), abs=1)


@pytest.mark.parametrize(
    "runs",
    [
        {"$a^b_": rows(2), "\\frac": rows(1)},  # would be mathematics
        {"猫 \x07": rows(2)},  # not in the font
        {"zero": rows(3, content=0.0, style=0.0)},
        {"x" * 300: rows(2)},
        {"flat": [LossRow(1, 32, 0.0, {"content": 0.0, "style": 0.0, "tv": 0.0})]},
    ],
)
def test_plot_of_odd_runs(tmp_path, runs):
    write_loss_plot(tmp_path / "l.png", runs)
    with Image.open(tmp_path / "l.png") as image:
        image.load()


@pytest.mark.slow
def test_plot_of_many_pictures_is_cut(tmp_path):
    write_loss_plot(tmp_path / "l.png", {str(n): rows(2) for n in range(MAX_PANELS + 500)})
    with Image.open(tmp_path / "l.png") as image:
        assert image.size[1] < 6000


@pytest.mark.parametrize("write", [write_loss_csv, write_loss_plot])
def test_reports_that_cannot_be_written(tmp_path, write):
    with pytest.raises(JaxnstError, match="there is no folder"):
        write(tmp_path / "none" / "x", {"a": rows(2)})


def test_comparison_is_as_high_as_the_last_picture(tmp_path):
    pictures = [np.full(shape, 0.5) for shape in ((20, 10, 3), (50, 100, 3), (40, 40, 3))]
    write_comparison(tmp_path / "c.png", pictures)
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (20 + 4 + 80 + 4 + 40, 40)
        values = np.asarray(image)
    assert (values[:, 20:24] == 255).all()
    assert (values[:, :20] == 128).all()
