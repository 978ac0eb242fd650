"""The tab that optimizes a picture, without the page around it."""

from types import SimpleNamespace

import numpy as np
import pytest
from model_files import gallery_folder
from PIL import Image
from stylize_files import picture

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.io.codec import load
from jaxnst.optimize.loss_table import PARTS
from jaxnst.optimize.presets import load_preset, preset_names
from jaxnst.web import optimize_tab, workshop
from jaxnst.web.limits import Limits
from jaxnst.web.optimize_controls import LARGEST, LONGEST, QUALITIES, shown_of
from jaxnst.web.optimize_tab import _in_words
from jaxnst.web.shared import Studio

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_its_own_values(name):
    options = load_preset(name)
    size, iterations, *weights = shown_of(name)
    assert (size, iterations) == (options.size, options.optimize.iterations)
    loss = options.loss
    assert weights == [loss.content_weight, loss.style_weight, loss.tv_weight]
    assert size <= LARGEST
    assert iterations <= LONGEST


def test_every_preset_has_words_for_what_it_is():
    assert set(QUALITIES) == set(preset_names())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (80.2, " · about 80 s left"), (7200.0, " · about 120 min left")],
)
def test_time_left_in_words(seconds, words):
    assert _in_words(seconds) == words


def test_a_cut_out_panorama_keeps_its_transparency_and_its_shape(monkeypatch, tmp_path):
    cut_out = np.full((40, 640, 4), 90, np.uint8)
    cut_out[..., 3] = 255 * (np.arange(640) > 320)
    Image.fromarray(cut_out).save(tmp_path / "wide.png")
    style = picture(tmp_path / "style.png", 2, 64, 64)

    def run(_, job):
        """A run of two steps that leaves the photo as it is."""
        image, parts = np.full((*job.size, 3), 0.3, np.float32), dict.fromkeys(PARTS, 1.0)
        for number in (1, 2):
            optimizer = SimpleNamespace(image=image)
            state = SimpleNamespace(optimizer=optimizer, scale=0, iteration=number)
            yield SimpleNamespace(
                iteration=number, total=2, loss=1.0, parts=parts, image=image, state=state
            )

    monkeypatch.setattr(workshop.optimize, "run", run)
    monkeypatch.setattr(workshop.optimize, "work_done", lambda *_: 0.5)
    monkeypatch.setattr(workshop, "_vgg", lambda *_: None)
    gray = np.full((10, 160, 3), 77, np.uint8)
    monkeypatch.setattr(workshop.OwnWorkshop, "paint_like", lambda *_: gray)
    tab = optimize_tab.OptimizeTab(Studio(tmp_path, str(gallery_folder(tmp_path)), Limits()))
    visitor = SimpleNamespace(session_hash=None)
    paths = (str(tmp_path / "wide.png"), str(style))
    steps = list(tab.optimize(False, None, visitor, *paths, size=160))
    assert "quick painting" in steps[1][1]
    for view in (steps[1][0], steps[3][0], steps[-1][0]):
        shown = load(view, min_side=1).rgb
        assert shown.shape == (10, 160, 3)
        assert shown[:, :72].min() > 0.9
        assert shown[:, 88:].max() < 0.4
    painting = load(steps[-1][3], min_side=1)
    assert painting.alpha is not None
    assert painting.alpha.shape == (10, 160)
