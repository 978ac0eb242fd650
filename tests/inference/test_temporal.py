"""Less flicker where nothing moves, no ghosts where something does."""

import numpy as np
import pytest
from video_files import scene

from jaxnst.inference import temporal as smoothing


def paintings(count: int, seed: int = 0) -> np.ndarray:
    """Paintings that flicker, uint8 [N, 48, 64, 3]."""
    return np.random.default_rng(seed).integers(60, 200, (count, 48, 64, 3)).astype(np.uint8)


def smoothed(photos: list[np.ndarray], painted: np.ndarray, *, holds: bool = False) -> np.ndarray:
    """What is shown of a clip, but for its first frame."""
    state, shown = smoothing.start(photos[0], painted[0]), []
    for photo, painting in zip(photos[1:], painted[1:], strict=True):
        state, image = smoothing.smooth(state, photo, painting, holds=holds)
        shown.append(np.asarray(image))
    return np.stack(shown)


def flicker(frames: np.ndarray) -> float:
    return float(np.mean(np.abs(np.diff(frames.astype(float), axis=0))))


def test_a_still_scene_keeps_its_painting() -> None:
    painted = paintings(10)
    shown = smoothed([scene(0)] * 10, painted)
    assert flicker(shown) < 0.25 * flicker(painted)


def test_noise_of_a_camera_counts_as_still() -> None:
    rng = np.random.default_rng(1)
    photos = [
        np.clip(scene(0) + rng.normal(0, 3, scene(0).shape), 0, 255).astype(np.uint8)
        for _ in range(10)
    ]
    painted = paintings(10)
    assert flicker(smoothed(photos, painted)) < 0.3 * flicker(painted)


def test_what_moves_is_shown_as_it_is_painted() -> None:
    photos, painted = [scene(8 * number) for number in range(3)], paintings(3)
    shown = smoothed(photos, painted)[-1].astype(int)
    moved = np.abs(photos[2].astype(int) - photos[1]).max(-1) > 40
    assert moved.any()
    assert np.abs(shown - painted[2])[moved].max() <= 1
    assert np.abs(shown - painted[2])[~moved].mean() > 10


@pytest.mark.parametrize("holds", [False, True])
def test_nothing_is_kept_over_a_cut(holds: bool) -> None:
    other = 255 - scene(0)
    painted = paintings(2)
    shown = smoothed([scene(0), other], painted, holds=holds)[0]
    np.testing.assert_array_equal(shown, painted[1])


@pytest.mark.parametrize(("holds", "behind"), [(False, 10), (True, 15)])
def test_what_creeps_is_noticed(holds: bool, behind: int) -> None:
    photos = [np.full((48, 64, 3), 100 + number, np.uint8) for number in range(60)]
    painted = np.stack(photos)  # a painting that follows the photo
    shown = smoothed(photos, painted, holds=holds)
    assert np.abs(shown[-1].astype(int) - painted[-1]).max() <= behind


def test_strokes_that_are_held_are_never_mixed() -> None:
    photos = [np.full((48, 64, 3), shade, np.uint8) for shade in (100, 104, 112, 113, 116, 126)]
    painted = paintings(6)
    shown = smoothed(photos, painted, holds=True)
    np.testing.assert_array_equal(shown, painted[[0, 0, 0, 4, 4]])


def moving_photos(kind: str, count: int) -> list[np.ndarray]:
    """A clip in which nothing, or something, or all of it moves."""
    rng = np.random.default_rng(3)
    numbers = np.arange(count)
    if kind == "still":
        return [scene(0)] * count
    if kind == "noise":
        return [np.clip(scene(0) + rng.normal(0, 5, (48, 64, 3)), 0, 255) for _ in numbers]
    if kind == "square":
        return [scene(number) for number in numbers]
    shades = [100 + 60 * np.sin(0.21 * number) for number in numbers]  # up to 13 from one to next
    patches = [np.full((48, 64, 3), 90.0) for _ in numbers]
    for patch, shade in zip(patches, shades, strict=True):
        patch[8:28, 8:28] = shade
    return patches


def left_of_the_start(kind: str, run_up: int) -> int:
    """The largest difference that frames passed over still make, so many frames after them."""
    first = 40
    photos = [photo.astype(np.uint8) for photo in moving_photos(kind, first + run_up + 5)]
    painted = [np.full((48, 64, 3), 0 if n < first else 255, np.uint8) for n in range(len(photos))]
    whole, later = smoothing.Smoother(), smoothing.Smoother()
    differences = []
    for number, (photo, painting) in enumerate(zip(photos, painted, strict=True)):
        shown = whole(photo, painting)
        if number < first:
            later.pass_over(photo)
            continue
        differences.append(np.abs(shown.astype(int) - later(photo, painting)).max())
        np.testing.assert_array_equal(whole.state.photo, later.state.photo)
    return max(differences[run_up:])


@pytest.mark.parametrize("kind", ["still", "noise", "square", "shades"])
def test_after_the_run_up_it_does_not_matter_what_was_passed_over(kind: str) -> None:
    assert left_of_the_start(kind, smoothing.RUN_UP) <= 1


def test_the_run_up_is_as_long_as_it_has_to_be() -> None:
    assert smoothing.RUN_UP == 109  # 255 * 0.95 ** 109 < 1
    assert left_of_the_start("still", smoothing.RUN_UP - 2) <= 1
    assert left_of_the_start("still", smoothing.RUN_UP - 20) > 1


def test_what_is_held_needs_all_frames_before() -> None:
    assert smoothing.Smoother(holds=True).run_up > 10**9
    assert smoothing.Smoother().run_up == smoothing.RUN_UP
