"""The page's jobs by hired workers are those of the page's own process."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_files import gallery_folder, small_decoder
from stylize_files import picture

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import load
from jaxnst.ops.pixels import to_uint8
from jaxnst.optimize.job import Style
from jaxnst.optimize.presets import load_preset, override
from jaxnst.optimize.stylize import make_job
from jaxnst.web import workshop
from jaxnst.web.hired import KINDS, HiredHand, HiredWorkshop, Order
from jaxnst.web.limits import Limits
from jaxnst.web.shared import Studio
from jaxnst.web.upscale_tab import UpscaleTab
from jaxnst.web.workshop import OwnWorkshop

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on


class Workers:
    """One worker, in this process; what is asked and answered goes through a pickle."""

    size = 3

    def __init__(self, hand: HiredHand) -> None:
        self.hand = pickle.loads(pickle.dumps(hand))
        self.hand.prepare()
        self.held = 0

    def do(self, kind: str, order: Order, *, meanwhile: Callable[[], None] = lambda: None) -> Any:
        assert kind in KINDS
        meanwhile()
        return pickle.loads(pickle.dumps(self.hand.made(pickle.loads(pickle.dumps(order)))))

    @contextmanager
    def hold(self, kind: str) -> Iterator[Callable[[Order], Any]]:
        self.held += 1
        yield lambda order: self.do(kind, order)
        self.held -= 1


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(gallery_folder(tmp_path_factory.mktemp("model")))


@pytest.fixture
def workers(model) -> Workers:
    return Workers(HiredHand(model))


@pytest.fixture
def photo(tmp_path) -> np.ndarray:
    return to_uint8(load(picture(tmp_path / "photo.png", 1, 96, 64)).rgb)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("paint", ({"wave": 1.0}, 1.0, True, 64)),
        pytest.param("preview", ({"wave": 0.5, "kiss": 0.5}, 1.0, False), marks=pytest.mark.slow),
        pytest.param("paint_frame", ({"kiss": 1.0}, 1.0, False), marks=pytest.mark.slow),
    ],
)
def test_pictures_are_the_same(workers, model, photo, name, arguments):
    shops = OwnWorkshop(model), HiredWorkshop(workers)
    ours, theirs = (getattr(shop, name)(photo, *arguments) for shop in shops)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_paintings_of_the_visitors_are_the_same(workers, model, photo, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxnst.inference.any_style.load_decoder", lambda _: small_decoder())
    style = load(picture(tmp_path / "style.png", 2, 64, 64))
    shops = OwnWorkshop(model), HiredWorkshop(workers)
    ours, theirs = (shop.paint_like(style, photo, 1.0, False, 64) for shop in shops)
    np.testing.assert_array_equal(ours, theirs)


def test_enlarged_pictures_are_the_same_and_who_has_gone_is_asked_for(model, tmp_path):
    path = str(picture(tmp_path / "photo.png", 1, 40, 32))
    told, files = list[float](), list[str]()
    for number, hire in enumerate((None, Workers)):
        (tmp_path / str(number)).mkdir()
        tab = UpscaleTab(Studio(tmp_path / str(number), model, Limits(), hire))
        files.append(tab.upscale(path, 2, progress=told.append)[1])
    ours, theirs = (load(file).rgb for file in files)
    assert ours.shape == (64, 80, 3)
    np.testing.assert_array_equal(ours, theirs)
    assert told[-2:] == [0.0, 0.0]  # in the beginning, and while a worker enlarges


@pytest.fixture
def job(photo, monkeypatch, random_vgg):
    """A job of four steps and its options, on a small net."""
    monkeypatch.setattr(workshop, "_vgg", lambda _: random_vgg)
    monkeypatch.setattr(workshop, "_EVERY", 0.0)
    options = override(
        load_preset("fast"),
        {
            "size": 48,
            "iterations": 4,
            "content_layers": ("relu2_1",),
            "style_layers": ("relu1_1",),
            "coarsest": 0,
        },
    )
    return make_job(photo, [Style(photo[:, ::-1])], options), options


def test_a_run_is_the_same_step_by_step(workers, model, job):
    shops = OwnWorkshop(model), HiredWorkshop(workers)
    ours, theirs = (list(shop.optimize(*job)) for shop in shops)
    assert [glimpse.iteration for glimpse in theirs] == [1, 2, 3, 4]
    for one, other in zip(ours, theirs, strict=True):
        assert one._replace(left=0, image=0, finished=0) == other._replace(
            left=0, image=0, finished=0
        )
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.finished, other.finished)
    assert (workers.held, workers.hand._runs) == (0, {})


def test_glimpses_that_are_left_out_leave_no_losses_out(model, job, monkeypatch):
    monkeypatch.setattr(workshop, "_EVERY", 1e6)
    monkeypatch.setattr(workshop.time, "monotonic", lambda: 0.0)
    (glimpse,) = OwnWorkshop(model).optimize(*job)
    assert [row.iteration for row in glimpse.rows] == [1, 2, 3, 4]
    assert (glimpse.iteration, glimpse.done) == (4, 1.0)


def test_a_run_that_is_stopped_ends_where_it_is_done(workers, job):
    run = HiredWorkshop(workers).optimize(*job)
    assert next(run).iteration == 1
    assert len(workers.hand._runs) == 1
    run.close()
    assert workers.hand._runs == {}


def test_what_is_wrong_is_told_as_it_is(workers, model, photo, job, tmp_path):
    hired = HiredWorkshop(workers)
    with pytest.raises(JaxnstError, match="'vermeer'"):
        hired.paint(photo, {"vermeer": 1.0}, 1.0, False, 64)
    done, options = job
    with pytest.raises(JaxnstError, match="net 'vgg1' is unknown: choose vgg16, vgg19"):
        next(hired.optimize(done, override(options, {"net": "vgg1"})))
    assert workers.hand._runs == {}


def test_a_hand_is_sent_as_the_name_of_a_model(workers, model):
    assert len(pickle.dumps(HiredHand(model))) < 300 + len(model)
    assert len(pickle.dumps(workers.hand)) < 300 + len(model)


def test_a_model_that_is_not_there_is_told_before_anybody_is_hired(tmp_path):
    def hire(_: HiredHand) -> Workers:
        raise AssertionError

    with pytest.raises(JaxnstError, match="unknown"):
        Studio(Path(tmp_path), "nothing", Limits(), hire)
