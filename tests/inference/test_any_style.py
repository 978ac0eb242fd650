"""Painting in the style of any picture: made of its features; the rest is as everywhere."""

import copy
from collections import OrderedDict

import jax
import numpy as np
import pytest
from model_files import decoder_file, small_decoder, small_model
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.inference import any_style, stroke
from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.look import Look
from jaxnst.inference.video import paint_frames
from jaxnst.io.video_reader import open_reader


@pytest.fixture(scope="module")
def stylizer() -> AnyStylizer:
    """With a decoder of random weights."""
    return AnyStylizer(model=small_decoder())


@pytest.fixture
def named(stylizer, paint) -> AnyStylizer:
    """With two paintings that have names; its decoder is that of `stylizer`."""
    painter = copy.copy(stylizer)
    first, second = (picture(paint, seed) for seed in (1, 2))
    painter._styles = {"a": stylizer._described("a", first), "b": lambda: second}
    painter._passing = OrderedDict()
    return painter


def picture(paint, seed: int, height: int = 48, width: int = 72) -> np.ndarray:
    return np.uint8(255 * paint(seed, height, width))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (32, 32), (65, 40), (20, 130)])
def test_any_size(stylizer, paint, size):
    photo = np.uint8(255 * paint(0, *size))
    painted = stylizer(photo, picture(paint, 1))
    assert painted.shape == photo.shape
    assert painted.dtype == np.uint8


@pytest.mark.slow
def test_another_painting_paints_another_picture(stylizer, paint):
    photo = picture(paint, 0)
    first, second = (stylizer(photo, picture(paint, seed)) for seed in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 1
    np.testing.assert_array_equal(first, stylizer(photo, picture(paint, 1)))


def test_strength_0_is_the_photo(stylizer, paint, monkeypatch):
    photo, painting = picture(paint, 0), picture(paint, 1)
    np.testing.assert_array_equal(stylizer(photo, painting, strength=0), photo)
    monkeypatch.setattr(stroke, "STROKE_SIDE", 40)
    np.testing.assert_array_equal(stylizer(photo, painting, strength=0), photo)


def test_a_decoder_of_ones_own_paints(stylizer, paint, tmp_path):
    photo, painting = picture(paint, 0), picture(paint, 1)
    painted = stylizer(photo, painting)
    own, other = (AnyStylizer(model=decoder_file(tmp_path, seed)) for seed in (0, 1))
    np.testing.assert_array_equal(own(photo, painting), painted)
    assert np.abs(other(photo, painting).astype(int) - painted).mean() > 1


@pytest.mark.slow
def test_strength_leads_from_one_to_the_other(stylizer, paint):
    photo, painting = picture(paint, 0), picture(paint, 1)
    weak, middle, whole = (
        stylizer(photo, painting, strength=s).astype(int) for s in (0.01, 0.5, 1)
    )
    assert np.abs(middle - weak).mean() < np.abs(whole - weak).mean()


def test_kept_colors_are_the_photos(stylizer, paint):
    photo = picture(paint, 0)
    photo[..., 1:] = photo[..., :1]  # gray
    painted = stylizer(photo, picture(paint, 1), keep_colors=True).astype(int)
    assert np.ptp(painted, axis=-1).max() <= 2


def test_a_painting_is_known_by_its_name(stylizer, named, paint):
    photo = picture(paint, 0)
    assert named.styles == ("a", "b")
    np.testing.assert_array_equal(named(photo, "a"), stylizer(photo, picture(paint, 1)))


@pytest.mark.slow
def test_a_blend_lies_between_its_paintings(named, paint):
    photo = picture(paint, 0)
    first, second = (named(photo, name).astype(int) for name in "ab")
    blend = named(photo, {"a": 1, "b": 1}).astype(int)
    apart = np.abs(first - second).mean()
    assert 0 < np.abs(blend - first).mean() < apart
    assert 0 < np.abs(blend - second).mean() < apart
    np.testing.assert_array_equal(named(photo, {"a": 3, "b": 0}), first)


def test_each_of_a_batch_is_painted_by_itself(named, paint):
    photos = np.stack([picture(paint, seed) for seed in (0, 3)])
    both = named(photos, "a")
    for photo, painting in zip(photos, both, strict=True):
        np.testing.assert_array_equal(painting, named(photo, "a"))


def test_paintings_in_regions_leave_the_rest_as_it_is(named, paint):
    photo, mask = picture(paint, 0), np.zeros((48, 72), np.float32)
    mask[:, :30] = 1
    painted = named.in_regions(photo, {"a": mask})
    np.testing.assert_array_equal(painted[:, 30:], photo[:, 30:])
    np.testing.assert_array_equal(painted[:, :30], named(photo, "a")[:, :30])


def test_strokes_are_of_one_size_however_painting_is_asked_for(named, paint, monkeypatch):
    monkeypatch.setattr(stroke, "STROKE_SIDE", 40)
    photo, everywhere = picture(paint, 0), np.ones((48, 72), np.float32)
    painted = named(photo, "a")
    assert (painted != named(photo, "a", stroke=None)).any()
    np.testing.assert_array_equal(named.in_regions(photo, {"a": everywhere}), painted)
    np.testing.assert_array_equal(named.begin(photo, "a")(), painted)


def test_a_size_is_that_of_the_result(named, paint):
    assert named(picture(paint, 0), "a", size=96).shape == (64, 96, 3)


@pytest.mark.slow
def test_what_is_painted_is_made_of_the_painting_alone(stylizer, paint, monkeypatch):
    painting = picture(paint, 1)
    seen = []
    monkeypatch.setattr(any_style, "nearest_features", lambda f, c, e: seen.append((f, c, e)) or f)
    with jax.disable_jit():
        stylizer(picture(paint, 0, 96, 96), painting)
    assert len(seen) == 3  # a quarter, a half and the whole of the size
    for (features, candidates, eligible), part in zip(seen, (4, 2, 1), strict=True):
        assert features.shape[:2] == (64 // part, 64 // part)
        assert 0 < int(eligible.sum()) <= len(candidates)


def test_hidden_colors_of_a_painting_do_not_count(stylizer, paint):
    photo, painting = picture(paint, 0), picture(paint, 1, 64, 64)
    cut = [np.dstack([painting, np.full((64, 64), 255, np.uint8)]) for _ in range(2)]
    for hidden, cut_out in zip((0, 255), cut, strict=True):
        cut_out[:, 32:, 3] = 0
        cut_out[:, 32:, :3] = hidden
    np.testing.assert_array_equal(stylizer(photo, cut[0]), stylizer(photo, cut[1]))


def test_a_cut_out_of_one_color_has_no_dark_edges(stylizer, monkeypatch):
    seen = []
    monkeypatch.setattr(any_style, "_encode", lambda _, __, p: seen.append(p) or p[:, ::2, ::2])
    cut_out = np.full((64, 64, 4), (200, 150, 100, 0), np.uint8)
    cut_out[16:48, 16:48, 3] = 255
    copy.copy(stylizer)._described("cut", cut_out)
    assert len(seen) == 3
    for canvas in seen:
        np.testing.assert_allclose(canvas, np.broadcast_to((200, 150, 100), canvas.shape) / 255)


def test_a_single_pixel_at_the_border_that_can_be_seen_is_a_painting(stylizer, paint):
    painting = np.dstack([picture(paint, 1, 48, 60), np.zeros((48, 60), np.uint8)])
    painting[0, 0, 3] = 255
    photo = picture(paint, 0)
    assert stylizer(photo, painting).shape == photo.shape


def test_strokes_of_a_smoothed_video_stay_as_they_are_while_the_picture_is_still(
    named, paint, tmp_path
):
    noise = np.random.default_rng(5).integers(-3, 4, (5, 48, 72, 3))
    photos = np.clip(picture(paint, 0) + noise, 0, 255).astype(np.uint8)
    photos[3:, :, 40:] = 255 - photos[3:, :, 40:]
    clip = tmp_path / "clip.webp"
    first, *rest = map(Image.fromarray, photos)
    first.save(clip, save_all=True, append_images=rest, lossless=True)

    def painted(*, smooth: bool) -> np.ndarray:
        walk = paint_frames(open_reader(clip), named, Look("a", smooth=smooth), (48, 72))
        return np.stack([frame.image for frame in walk.made(0)]).astype(int)

    anew, shown = painted(smooth=False), painted(smooth=True)
    assert np.abs(anew[1:3] - anew[0]).mean() > 1  # so that there is something to hold
    np.testing.assert_array_equal(shown[:3], anew[[0, 0, 0]])
    np.testing.assert_array_equal(shown[3, :, 44:], anew[3, :, 44:])
    np.testing.assert_array_equal(shown[4, :, :32], anew[0, :, :32])


def test_paintings_are_read_when_their_style_is_asked_for(stylizer, paint, monkeypatch):
    monkeypatch.setattr(any_style, "_KEPT", 2)
    monkeypatch.setattr(AnyStylizer, "_candidates", lambda self, painting, part: painting)
    monkeypatch.setattr(any_style, "_paint", lambda *args, **_: used.append(args[4]) or args[3])
    read: list[str] = []
    used: list[tuple] = []
    paintings = {name: picture(paint, seed) for seed, name in enumerate("abc", start=1)}
    painter, photo = copy.copy(stylizer), picture(paint, 0)
    painter._styles = {
        name: lambda name=name: read.append(name) or paintings[name] for name in paintings
    }
    painter._passing = OrderedDict()
    assert painter.styles == ("a", "b", "c")
    assert read == []
    painter(photo, "a")
    painter(photo, "a")
    assert read == ["a"]
    painter(photo, {"a": 1, "b": 1, "c": 1})  # more at once than are kept
    assert read == ["a", "b", "c"]
    painter(photo, "a")
    assert read == ["a", "b", "c", "a"]
    for names, found in zip(("a", "a", "abc", "a"), used, strict=True):
        for name, description in zip(names, found, strict=True):
            np.testing.assert_array_equal(description[0], paintings[name])


def test_an_unknown_style_is_told_with_those_that_have_names(named, paint):
    named(picture(paint, 0), picture(paint, 3))
    with pytest.raises(JaxnstError, match=r"style 'c' is unknown: there are a, b$"):
        named(picture(paint, 0), "c")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, p: s(p / 255, p), "image has values of type float64"),
        (lambda s, p: s(p, p[None]), "painting has shape"),
        (lambda s, p: s(p, p[:0]), "painting has shape"),
        (lambda s, p: s(p, "monet.jpg"), "style 'monet.jpg' is unknown: there are none"),
        (lambda s, p: AnyStylizer({"mine": p / 255}), "painting 'mine' has shape"),
        (lambda s, p: AnyStylizer(model="slim"), "model 'slim' is no decoder, and pictures as"),
        (lambda s, p: AnyStylizer(model="upscale_x2"), "model 'upscale_x2' is no decoder"),
        (lambda s, p: AnyStylizer(model=small_model()), "this model is no decoder"),
        (lambda s, p: s(p, p, strength=1.5), "strength is 1.5"),
        (lambda s, p: s(p, p, stroke=0), "stroke is 0"),
        (lambda s, p: s(np.zeros((3000, 5000, 3), np.uint8), p, stroke=0.1), "a larger stroke"),
        (lambda s, p: s(p, np.zeros((40, 40, 4), np.uint8)), "is transparent everywhere"),
    ],
)
def test_what_cannot_be_painted(stylizer, paint, call, message):
    with pytest.raises(JaxnstError, match=message):
        call(stylizer, picture(paint, 0))
