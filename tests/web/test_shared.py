"""What the page's visitors share."""

import os
import time

import jax
import numpy as np
import pytest
from model_files import gallery_folder
from stylize_files import cut_outs

from jaxnst.errors import JaxnstError
from jaxnst.web import presence
from jaxnst.web.limits import Limits
from jaxnst.web.presence import GoneError, Presence
from jaxnst.web.shared import Studio, whole


@pytest.fixture
def studio(tmp_path):
    return Studio(tmp_path, str(gallery_folder(tmp_path)), Limits(megapixels=0.1))


def test_results_are_removed_after_an_hour(studio, tmp_path, monkeypatch):
    old, new = (studio.show(np.zeros((40, 50, 3), np.float32)) for _ in range(2))
    os.utime(os.path.dirname(old), (0, time.time() - 4000))
    now = time.time()
    monkeypatch.setattr("jaxnst.web.shared.time.time", lambda: now + 100)
    studio.show(np.zeros((40, 50, 3), np.float32))
    assert [os.path.exists(path) for path in (old, new)] == [False, True]


def test_what_was_compiled_for_many_sizes_is_forgotten(studio, monkeypatch):
    cleared = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(True))
    for side in [*range(100, 120), 100, 119]:
        studio.note_size((side, side))
    assert not cleared
    studio.note_size((1, 1))
    assert cleared == [True]


def test_pictures_above_the_limit_are_not_opened(studio, tmp_path):
    path = studio.show(np.zeros((400, 500, 3), np.float32))
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
    monkeypatch.setattr(presence.time, "monotonic", lambda: now[0])
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
