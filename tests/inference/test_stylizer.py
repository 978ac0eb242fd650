"""The Stylizer: any size, batches, blends, and one compiled function for many sizes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_files import small_gallery

from jaxnst.errors import JaxnstError
from jaxnst.inference import stroke
from jaxnst.inference import stylizer as inference
from jaxnst.inference.stylizer import Stylizer
from jaxnst.networks.base import paint as apply_network


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return Stylizer(small_gallery())


@pytest.fixture
def photo(paint: Callable) -> np.ndarray:
    return (255 * paint(1, 128, 128)).astype(np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return np.abs(one.astype(float) - other.astype(float)).max()


def test_it_paints_what_the_network_does(stylizer: Stylizer, photo: np.ndarray) -> None:
    model = stylizer.gallery.model("wave")
    image = jnp.asarray(photo[None].astype(np.float32) / 255)
    painting = apply_network(model.network, {"params": model.params}, image)
    wanted = 255 * np.clip(np.asarray(painting)[0], 0, 1)
    assert difference(stylizer(photo, "wave"), wanted) <= 0.51
    assert wanted.std() > 5


def test_a_size_between_buckets_is_painted_as_if_alone(
    stylizer: Stylizer, photo: np.ndarray
) -> None:
    odd = photo[:120, :104]  # multiples of the stride: the network takes it as it is
    model = stylizer.gallery.model("wave")
    image = jnp.asarray(odd[None].astype(np.float32) / 255)
    painting = apply_network(model.network, {"params": model.params}, image)
    wanted = 255 * np.clip(np.asarray(painting)[0], 0, 1)
    assert difference(stylizer(odd, "wave"), wanted) <= 0.51


@pytest.mark.parametrize("size", [(32, 32), (33, 65), (127, 40)])
def test_any_size(stylizer: Stylizer, photo: np.ndarray, size: tuple[int, int]) -> None:
    height, width = size
    assert stylizer(photo[:height, :width], "kiss").shape == (height, width, 3)


def test_a_batch_is_its_pictures(stylizer: Stylizer, photo: np.ndarray) -> None:
    batch = np.stack([photo[:64, :64], photo[64:, 64:]])
    painted = stylizer(batch, "wave")
    for picture, alone in zip(painted, batch, strict=True):
        assert difference(picture, stylizer(alone, "wave")) <= 1


def test_a_blend_of_one_is_that_one(stylizer: Stylizer, photo: np.ndarray) -> None:
    assert difference(stylizer(photo, {"wave": 2, "kiss": 0}), stylizer(photo, "wave")) <= 1
    assert difference(stylizer(photo, {"wave": 1, "kiss": 1}), stylizer(photo, "wave")) > 5


def test_strength_leads_away_from_the_style(stylizer: Stylizer, photo: np.ndarray) -> None:
    full, half, none = (stylizer(photo, "wave", strength=s) for s in (1, 0.5, 0))
    assert difference(full, none) > 5
    assert np.abs(full - none.astype(float)).mean() > np.abs(half - none.astype(float)).mean()


def test_kept_colors_are_the_photos(stylizer: Stylizer, photo: np.ndarray) -> None:
    painted = stylizer(photo, "wave", keep_colors=True).astype(float)
    free = stylizer(photo, "wave").astype(float)

    def blueness(picture: np.ndarray) -> np.ndarray:
        return picture[..., 2] - picture @ [0.299, 0.587, 0.114]

    wanted = blueness(photo.astype(float))
    kept = np.abs(blueness(painted) - wanted).mean()
    assert kept < 0.5 * np.abs(blueness(free) - wanted).mean()


def test_size_is_the_long_side(stylizer: Stylizer, photo: np.ndarray) -> None:
    assert stylizer(photo[:64], "wave", size=96).shape == (48, 96, 3)


def test_a_panorama_keeps_its_shape(stylizer: Stylizer, photo: np.ndarray) -> None:
    panorama = np.tile(photo[:40], (1, 10, 1))
    painted = stylizer(panorama, "wave", size=320)
    rows, columns = painted.shape[:2]
    assert (rows, columns) == (round(40 * 320 / panorama.shape[1]), 320)
    assert rows < 32


def test_a_narrow_picture_is_painted_as_the_top_of_its_reflection(
    stylizer: Stylizer, photo: np.ndarray
) -> None:
    narrow = photo[:20]
    both = np.concatenate([narrow, narrow[-2:6:-1]])
    assert both.shape[0] == 32
    np.testing.assert_array_equal(stylizer(narrow, "wave"), stylizer(both, "wave")[:20])


def test_sizes_of_a_bucket_compile_once(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = []

    def counted(*args: object, **kwargs: object) -> object:
        traces.append(args)
        return apply_network(*args, **kwargs)

    monkeypatch.setattr(inference.networks, "paint", counted)
    inference._paint.jitted.clear_cache()
    for height, width in ((100, 70), (90, 110), (65, 127), (101, 71)):
        stylizer(photo[:height, :width], "wave", strength=0.5)
        stylizer(photo[:height, :width], "kiss")
    assert len(traces) == 1


@pytest.mark.slow
def test_a_large_batch_is_painted_in_parts(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = np.stack([photo[i : i + 64, :64] for i in (0, 8, 16, 24, 32)])
    whole, sizes = stylizer(batch, "wave"), []
    paint = Stylizer._at_once

    def counted(self: Stylizer, photos: np.ndarray, *others: object) -> object:
        sizes.append(len(photos))
        return paint(self, photos, *others)

    monkeypatch.setattr(Stylizer, "_at_once", counted)
    monkeypatch.setattr(inference, "WHOLE", 2 * 64 * 64)
    assert difference(stylizer(batch, "wave"), whole) <= 1
    assert sizes == [2, 2, 1]


def test_inside_jit_it_says_what_to_do_instead(stylizer: Stylizer, photo: np.ndarray) -> None:
    with pytest.raises(JaxnstError, match=r"image is traced: .*outside of jax\.jit"):
        jax.jit(lambda image: stylizer(image, "wave"))(photo)


def test_a_strength_that_is_no_number_is_refused(stylizer: Stylizer, photo: np.ndarray) -> None:
    with pytest.raises(JaxnstError, match="strength is '1': give a number"):
        stylizer(photo, "wave", strength="1")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 64, 64, 3), np.uint8), "expected"),
        (np.zeros((64, 64, 3), np.float32), "type float32: give uint8"),
        (np.zeros((64, 64), np.uint8), "expected"),
        (np.zeros((64, 64, 4), np.uint8), "expected"),
        (np.zeros((0, 64, 3), np.uint8), "expected"),
    ],
)
def test_what_is_no_picture(stylizer: Stylizer, image: np.ndarray, message: str) -> None:
    with pytest.raises(JaxnstError, match=message):
        stylizer(image, "wave")


def test_a_small_picture_is_painted_as_it_is_whatever_the_stroke(
    stylizer: Stylizer, photo: np.ndarray
) -> None:
    np.testing.assert_array_equal(stylizer(photo, "wave", stroke=1), stylizer(photo, "wave"))


def test_twice_the_stroke_is_painted_at_half_the_size_and_enlarged(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 128)
    painting = stylizer(photo, "wave", stroke=2).astype(float)
    small = stylizer(stroke.resized(photo, (64, 64)), "wave").astype(float)
    assert painting.shape == photo.shape
    means = painting.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(means - small).mean() < 0.25 * small.std()
    assert difference(painting, stylizer(photo, "wave")) > 20


def test_a_batch_is_painted_in_strokes_as_its_pictures_are(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 128)
    batch = np.stack([photo, photo[::-1]])
    painted = stylizer.begin(batch, "wave", stroke=2)()
    for picture, painting in zip(batch, painted, strict=True):
        np.testing.assert_allclose(painting, stylizer(picture, "wave", stroke=2), atol=1)


@pytest.mark.parametrize("size", [2.0, 1.05])
def test_strength_0_is_the_photo_at_every_stroke(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, size: float
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 128)
    np.testing.assert_array_equal(stylizer(photo, "wave", strength=0, stroke=size), photo)


def test_kept_colors_are_those_of_the_large_photo(
    stylizer: Stylizer, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stroke, "STROKE_SIDE", 128)
    painting = stylizer(photo, "wave", stroke=2, keep_colors=True).astype(float)
    chroma = painting - painting.mean(-1, keepdims=True)
    wanted = photo - photo.astype(float).mean(-1, keepdims=True)
    assert np.abs(chroma - wanted).mean() < 0.3 * np.abs(wanted).mean()


def test_regions_are_painted_each_in_its_style_and_the_rest_is_the_photo(
    stylizer: Stylizer, photo: np.ndarray
) -> None:
    left, top = np.zeros((64, 64)), np.zeros((128, 128), np.float32)
    left[:, :20] = 1
    top[:40, 60:] = 1
    found = stylizer.in_regions(photo, {"wave": left, "photo": top, "kiss": top})
    wave, kiss = stylizer(photo, "wave"), stylizer(photo, "kiss")
    np.testing.assert_array_equal(found[:, :36], wave[:, :36])
    np.testing.assert_array_equal(found[60:, 60:], photo[60:, 60:])
    half = (photo[:30, 70:].astype(float) + kiss[:30, 70:]) / 2
    assert difference(found[:30, 70:], half) <= 0.51


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.full((8, 8), 2.0), "values outside"),
        (np.zeros((8, 8, 3)), "expected"),
        (np.zeros((8, 8), np.uint8), "type uint8"),
        (np.full((8, 8), np.nan), "values outside"),
    ],
)
def test_what_is_no_mask(
    stylizer: Stylizer, photo: np.ndarray, mask: np.ndarray, message: str
) -> None:
    with pytest.raises(JaxnstError, match=f"mask of 'wave' has .*{message}"):
        stylizer.in_regions(photo, {"wave": mask})
