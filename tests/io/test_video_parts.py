"""A half-painted video in a folder: taken up, refused, locked, left without a trace."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from video_files import scene

from jaxnst.errors import JaxnstError
from jaxnst.io.video_parts import PART_FRAMES, VideoParts

SETTINGS = {"jaxnst": "1", "options": {"strength": 1.0, "styles": {"wave": 1.0}}}


class Number:
    """The state after a frame."""

    def __init__(self, number: int) -> None:
        self.number = number

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"number": np.array([self.number])}


def write(parts: VideoParts, count: int) -> None:
    for _ in range(count):
        number = parts.count
        parts.write(scene(number, 32, 32), number / 25, None, Number(number))


def test_painting_goes_on_from_the_last_frame_and_its_state(tmp_path: Path) -> None:
    with VideoParts(tmp_path / "a.parts", SETTINGS) as parts:
        write(parts, PART_FRAMES + 7)
    with VideoParts(tmp_path / "a.parts", SETTINGS) as parts:
        assert parts.count == PART_FRAMES + 7
        assert parts.state is not None
        assert parts.state["number"] == PART_FRAMES + 6
        write(parts, 1)
        parts.finish()
        assert parts.times == pytest.approx([i / 25 for i in range(PART_FRAMES + 8)], abs=1e-4)
        assert len(list((tmp_path / "a.parts").glob("*.safetensors"))) == 1
        parts.remove()
    assert not list(tmp_path.iterdir())


def test_frames_painted_with_other_options_are_kept_and_the_difference_is_named(
    tmp_path: Path,
) -> None:
    with VideoParts(tmp_path / "a.parts", SETTINGS) as parts:
        write(parts, 3)
    before = sorted(path.name for path in (tmp_path / "a.parts").iterdir())
    other = {"jaxnst": "2", "options": {"strength": 0.5, "styles": {"wave": 1.0}}}
    message = (
        r"a\.parts: holds 3 frames that were made otherwise \(jaxnst 1, now 2, "
        r"options strength 1\.0, now 0\.5\)"
    )
    with pytest.raises(JaxnstError, match=message), VideoParts(tmp_path / "a.parts", other):
        pass
    assert sorted(path.name for path in (tmp_path / "a.parts").iterdir()) == before
    with VideoParts(tmp_path / "a.parts", SETTINGS) as parts:
        assert parts.count == 3


def test_a_folder_without_a_frame_makes_way_for_other_options(tmp_path: Path) -> None:
    (tmp_path / "a.parts").mkdir()  # as left by a kill
    (tmp_path / "a.parts" / "settings.json").write_text(json.dumps(SETTINGS))
    with VideoParts(tmp_path / "a.parts", {"other": 1}) as parts:
        assert parts.count == 0


def test_failure_at_the_first_frame_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(JaxnstError), VideoParts(tmp_path / "a.parts", SETTINGS):
        raise JaxnstError("the first frame cannot be painted")
    assert not list(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    parts = VideoParts(tmp_path / "b.parts", SETTINGS)
    parts.__enter__()
    write(parts, 1)
    monkeypatch.setattr("os.replace", full)  # for the file of the first frames
    with pytest.raises(JaxnstError, match="No space"):
        parts.__exit__(None, None, None)
    assert not list(tmp_path.iterdir())


def test_a_second_run_is_refused_and_told_who_is_at_work(tmp_path: Path) -> None:
    work = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path\n"
        "from jaxnst.io.video_parts import VideoParts\n"
        "with VideoParts(Path(sys.argv[1]), {}):\n"
        "    print('at work', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", work, str(tmp_path / "a.parts"), *sys.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"at work"
        message = rf"a\.parts: process {process.pid} has been at work on it since \d\d:\d\d"
        with pytest.raises(JaxnstError, match=message), VideoParts(tmp_path / "a.parts", {}):
            pass
        assert (tmp_path / "a.parts" / "lock").exists()
        process.kill()  # which leaves its lock behind
    with VideoParts(tmp_path / "a.parts", {}) as parts:
        assert parts.count == 0
    assert not (tmp_path / "a.parts" / "lock").exists()


def test_lossless_parts_keep_pixels_and_alpha_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image, alpha = (rng.integers(0, 256, shape, np.uint8) for shape in ((33, 47, 3), (33, 47)))
    with VideoParts(tmp_path / "a.parts", {}, lossless=True) as parts:
        parts.write(image, 0.0, alpha, None)
        parts.write(image, 0.1, None, None)
        parts.finish()
        first, second = parts.frames()
    np.testing.assert_array_equal(first.image, image)
    np.testing.assert_array_equal(first.alpha, alpha)
    np.testing.assert_array_equal(second.image, image)
    assert second.alpha is None
    assert second.seconds == pytest.approx(0.1)
