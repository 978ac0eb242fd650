"""What the page's visitors share."""

import jax.numpy as jnp
import numpy as np
import pytest
from model_files import gallery_folder
from stylize_files import cut_outs

from jaxnst.errors import JaxnstError
from jaxnst.inference import stylizer
from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.targets import Targets
from jaxnst.web import visitors
from jaxnst.web.limits import Limits
from jaxnst.web.shared import Studio, whole
from jaxnst.web.visitors import GoneError, Presence


@pytest.fixture
def studio(tmp_path):
    return Studio(tmp_path, str(gallery_folder(tmp_path)), Limits(megapixels=0.1))


def test_losses_for_too_many_sizes_are_forgotten_and_nothing_else(studio, random_vgg):
    photo = np.zeros((64, 64, 3), np.uint8)
    studio.paint(photo, {"wave": 1.0}, 1.0, False, 64)
    painters = stylizer._paint.jitted._cache_size()
    smooth = LossOptions(tv_weight=1.0)
    loss_and_gradient(random_vgg, jnp.zeros((32, 32, 3)), Targets(), options=smooth)
    for side in [*range(100, 120), 100, 119]:
        studio.workshop._note_size((side, side))
    assert loss_and_gradient._cache_size()
    studio.workshop._note_size((1, 1))
    assert not loss_and_gradient._cache_size()
    assert stylizer._paint.jitted._cache_size() == painters > 0


def test_pictures_above_the_limit_are_not_opened(studio, tmp_path):
    path = studio.results.show(np.zeros((400, 500, 3), np.float32))
    with pytest.raises(JaxnstError, match=r"^This picture cannot be used: 500x400"):
        studio.open(path)


def test_uploads_that_look_alike_are_alike(studio, tmp_path):
    pictures = [studio.open(str(path)) for path in cut_outs(tmp_path)]
    for picture in pictures:
        np.testing.assert_array_equal(picture.rgb, pictures[0].rgb)


@pytest.mark.parametrize("value", [None, True, "3", 2.5, float("nan"), -1, 1e300, [1]])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(JaxnstError, match="seed is"):
        whole("seed", value, 10)


def test_a_visitor_is_there_while_they_listen_and_a_while_longer(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(visitors.time, "monotonic", lambda: now[0])
    here = Presence()
    with here.listening("a"):
        for now[0] in (0.0, 100.0):
            here.check("a")
    here.check("a")
    now[0] = 130.0
    with pytest.raises(GoneError):
        here.check("a")
    here.check("b")  # may not have begun to listen
    now[0] = 150.0
    with pytest.raises(GoneError):
        here.check("b")
    here.close()
    with here.listening("c"), pytest.raises(GoneError):
        here.check("c")
