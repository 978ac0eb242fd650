"""The tab that paints in one pass, without the page around it."""

import numpy as np
import pytest
from model_files import gallery_folder
from PIL import Image
from stylize_files import cut_outs

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.io.codec import load
from jaxnst.io.embedded_settings import read_settings
from jaxnst.web.limits import Limits
from jaxnst.web.paint_tab import PaintTab, _blending
from jaxnst.web.shared import Studio

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on

LOOK = ("wave", "", 0.5, 1.0, False, "640")


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    return PaintTab(Studio(folder, str(gallery_folder(folder)), Limits()))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.effect_noise((96, 64), 90).convert("RGB").save(path)
    return str(path)


def test_where_functions_must_be_compiled_a_preview_comes_first(tab, photo):
    steps = list(tab.repaint(photo, *LOOK))
    assert ["preview" in text for _, text, _ in steps] == [True, False]
    assert [load(views[1]).rgb.shape for views, _, _ in steps] == [(64, 96, 3)] * 2
    assert not steps[0][2].interactive  # nothing to download yet
    assert load(steps[1][2]).rgb.shape == (64, 96, 3)


def test_where_functions_are_there_the_painting_comes_at_once(tab, photo):
    list(tab.repaint(photo, *LOOK))
    ((_, text, _),) = tab.repaint(photo, "kiss", *LOOK[1:])
    assert text == "*The kiss* by Nobody · 96 by 64 pixels"


def test_without_a_photo_nothing_is_painted(tab):
    ((views, text, file),) = tab.repaint(None, *LOOK)
    assert (views, file) == (None, None)
    assert "Choose a photo" in text


@pytest.mark.parametrize("size", [(96, 64), (64, 96), (50, 50), (2000, 20), (20, 2000), (900, 600)])
def test_a_preview_has_the_shape_of_the_photo(tab, size):
    photo = np.zeros((*size, 3), np.uint8)
    preview = tab._studio.workshop.preview(photo, {"wave": 1.0}, 1.0, True)
    assert max(preview.shape) == 320
    assert preview.shape[0] / preview.shape[1] == pytest.approx(size[0] / size[1], rel=0.1)


def test_a_cut_out_is_shown_on_white_before_and_after(tab, tmp_path):
    (cut_out, *_) = cut_outs(tmp_path, 96)
    for views, _, _ in tab.repaint(str(cut_out), *LOOK):
        assert all(load(view).rgb[:16].min() > 0.95 for view in views)


def test_a_picture_of_the_visitors_switches_blending_off_and_says_why():
    for own, blends in (("own.png", False), (None, True)):
        second, mix = _blending(own)
        assert second.interactive == mix.interactive == blends
        assert ("picture of your own" in second.info) != blends


def test_a_picture_of_the_visitors_is_a_style_too(tab, photo, tmp_path):
    own = tmp_path / "own.png"
    Image.effect_mandelbrot((80, 64), (-2, -1, 1, 1), 50).convert("RGB").save(own)
    steps = list(tab.repaint(photo, *LOOK, str(own)))
    assert "some seconds" in steps[0][1]
    views, text, file = steps[-1]
    assert text == "*Like your picture* · 96 by 64 pixels"
    assert load(views[1]).rgb.shape == (64, 96, 3)
    record = read_settings(file)
    assert record["method"] == "fast"
    assert record["options"]["strength"] == 1.0
    trained = list(tab.repaint(photo, *LOOK))[-1]
    assert np.abs(load(file).rgb - load(trained[2]).rgb).mean() > 0.01
