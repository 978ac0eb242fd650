"""The tab that optimizes a picture, without the page around it."""

import pytest

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.optimize.presets import load_preset, preset_names
from jaxnst.web import optimize_tab
from jaxnst.web.optimize_controls import LARGEST, LONGEST, QUALITIES, shown_of
from jaxnst.web.optimize_tab import _Pace

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


def test_time_left_is_judged_without_the_first_step_which_is_compiled(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(optimize_tab.time, "monotonic", lambda: now[0])
    pace = _Pace(0.1)
    assert pace.left(0.1) == ""
    now[0] = 110.0
    assert pace.left(0.2) == " · about 80 s left"
    now[0] = 1000.0
    assert pace.left(0.2) == " · about 120 min left"
