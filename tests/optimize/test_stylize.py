"""`jaxnst.stylize` on arrays: what it takes, what it makes, what it refuses."""

import numpy as np
import pytest

from jaxnst.errors import JaxnstError
from jaxnst.io.resize import resize
from jaxnst.optimize.job import Style
from jaxnst.optimize.presets import PaintOptions
from jaxnst.optimize.stylize import make_job, stylize

QUICK = {
    "size": 40,
    "iterations": 3,
    "content_layers": ("relu2_1",),
    "style_layers": ("relu1_1",),
}


@pytest.fixture(scope="module")
def photo(paint) -> np.ndarray:
    return paint(1, 36, 48)


@pytest.fixture(scope="module")
def style(paint) -> np.ndarray:
    return paint(2, 44, 44)


@pytest.fixture
def run(random_vgg):
    def run(content, style, **options) -> np.ndarray:
        return stylize(content, style, params=random_vgg, **(QUICK | options))

    return run


def test_painting(run, photo, style):
    seen = []
    out = run(photo, style, on_progress=seen.append)
    assert out.shape == (30, 40, 3)  # though a net sees no less than 32 rows
    assert out.dtype == np.float32
    assert 0 <= out.min() < out.max() <= 1
    assert [progress.iteration for progress in seen] == [1, 2, 3]
    assert seen[-1].loss < seen[0].loss
    np.testing.assert_array_equal(out, run(photo, style))


def test_bytes_are_taken_for_what_they_show(run, photo, style):
    as_bytes = [np.round(255 * image).astype(np.uint8) for image in (photo, style)]
    as_floats = [image / np.float32(255) for image in as_bytes]
    np.testing.assert_array_equal(run(*as_bytes), run(*as_floats))
    as_lists = [image.astype(float).tolist() for image in as_floats]
    np.testing.assert_array_equal(run(*as_lists), run(*as_floats))


def test_styles(run, photo, style):
    plain = run(photo, style)
    np.testing.assert_array_equal(run(photo, Style(style)), plain)
    mask = np.tile(np.arange(40) < 20, (32, 1))
    blend = run(photo, [Style(style, 0.5), Style(photo[::-1], 0.5, mask)])
    assert (blend != plain).any()


def test_a_panorama_keeps_its_shape(run, style, paint):
    panorama = paint(1, 40, 400)
    mask = np.tile(np.arange(9) < 4, (5, 1))
    changes = {"size": 64, "iterations": 1}  # the start is all there is
    out = run(panorama, Style(style, mask=mask), **changes)
    assert out.shape == (6, 64, 3)
    np.testing.assert_allclose(out, resize(panorama, (6, 64)), atol=0.1)
    assert run(panorama, style, keep_colors="luma", **changes).shape == (6, 64, 3)
    job = make_job(panorama, [Style(style)], PaintOptions(size=64), start=paint(2, 32, 64))
    assert job.start.shape == (32, 64, 3)  # of an earlier run: it is on the canvas already


def test_texture(run, style):
    assert run(None, style).shape == (40, 40, 3)


def test_inversion(run, photo):
    out = run(photo, None, style_weight=0, init="noise", iterations=30)
    assert np.abs(out - run(photo, None, style_weight=0, init="noise", iterations=1)).mean() > 0.01


def test_start(run, photo, style):
    start = photo[::-1]
    np.testing.assert_array_equal(
        run(photo, style, init=start, iterations=1), run(start, style, iterations=1)
    )


@pytest.mark.parametrize("keep_colors", ["luma", "match"])
def test_keep_colors(run, photo, style, keep_colors):
    assert (run(photo, style, keep_colors=keep_colors) != run(photo, style)).any()


def test_preset_file(run, photo, style, tmp_path):
    path = tmp_path / "p.toml"
    path.write_text("[optimize]\niterations = 1\n")
    seen = []
    options = {key: value for key, value in QUICK.items() if key != "iterations"}
    stylize(photo, style, preset=str(path), on_progress=seen.append, **options)
    assert len(seen) == 1


def test_bundled_weights_are_the_default(photo, style):
    assert stylize(photo, style, **QUICK).shape == (30, 40, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": np.zeros((40, 40))}, r"content has shape \(40, 40\): expected \[H, W, 3\]"),
        ({"content": np.zeros((31, 40, 3))}, "at least 32"),
        ({"content": np.full((40, 40, 3), 2.0)}, r"content has values outside \[0, 1\]"),
        ({"content": np.full((40, 40, 3), np.nan)}, r"content has values outside \[0, 1\]"),
        ({"content": [[1, 2], [3]]}, "content is no array"),
        ({"content": "photo.png"}, "content is 'photo.png': give the picture itself"),
        ({"style": ["udnie", "the_kiss"]}, "jaxnst.Stylizer paints in styles by their names"),
        ({"style": np.zeros((40, 40, 3), complex)}, "style has values of type complex128"),
        ({"style": np.zeros((0, 40, 3))}, "style has shape"),
        ({"style": [np.zeros((40, 40, 3)), np.zeros((41, 40, 3))]}, "style is no array"),
        ({"style": Style(np.zeros((40, 40, 3)), -1.0)}, "weight of a style is -1.0"),
        ({"style": Style(np.zeros((40, 40, 3)), np.nan)}, "weight of a style is nan"),
        ({"style": Style(np.zeros((40, 40, 3)), 0)}, "the weight of every style is 0"),
        ({"style": Style(np.zeros((40, 40, 3)), 1, np.zeros((9, 9)))}, "somewhere above 0"),
        ({"style": Style(np.zeros((40, 40, 3)), alpha=np.zeros((40, 40)))}, "wholly transparent"),
        ({"style": Style(np.zeros((40, 40, 3)), alpha=np.ones((9, 9)))}, r"expected \(40, 40\)"),
        ({"style": Style(np.zeros((40, 40, 3)), 1, np.ones((9, 9, 3)))}, "mask has shape"),
        ({"style": Style(np.zeros((40, 40, 3)), 1, -np.ones((9, 9)))}, "mask has values outside"),
        ({"init": np.ones(3)}, "init has shape"),
        ({"init": "nois"}, "init = 'nois' has the wrong type: expected one of 'content', 'noise'"),
        ({"style": None, "content": None}, "nothing to do"),
        ({"siez": 40}, "'siez' is not an option: did you mean 'size'"),
        ({"size": 10}, "size is 10"),
        ({"preset": "fats"}, "preset 'fats' is unknown"),
        ({"style_layers": ("relu9_1",)}, "layer 'relu9_1' is not in vgg16"),
    ],
)
def test_what_is_wrong_is_said(run, photo, style, changes, message):
    with pytest.raises(JaxnstError, match=message):
        run(**({"content": photo, "style": style} | changes))


def test_job_without_a_photo_starts_from_noise(style):
    job = make_job(None, [Style(style)], PaintOptions(size=50))
    assert job.size == (50, 50)
    assert job.options.init == "noise"
    assert make_job(None, [Style(style)], PaintOptions(), start=style).options.init == "content"
