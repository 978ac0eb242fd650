"""Video files that are written: frames with their times."""

from pathlib import Path

import numpy as np
import pytest
from video_files import read_times, scene

from jaxnst.errors import JaxnstError
from jaxnst.io.container import check_video_path
from jaxnst.io.video_reader import VideoReader
from jaxnst.io.video_writer import VideoWriter


def test_odd_sides_and_frames_of_another_size(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(scene(0, 49, 63), 0.0)
        writer.write(scene(1, 98, 126), 0.1)
        writer.write(np.full((48, 24, 3), 255, np.uint8), 0.2)
    reader = VideoReader(tmp_path / "a.mp4")
    images = [frame.image for frame in reader.frames()]
    assert [image.shape for image in images] == [(50, 64, 3)] * 3
    assert images[2][25, 32].min() > 240  # as a whole, on black
    assert images[2][25, 8].max() < 16


def test_what_was_recorded_is_kept_when_something_else_fails(tmp_path: Path) -> None:
    def record() -> None:
        with VideoWriter(tmp_path / "a.mkv") as writer:
            writer.write(scene(0), 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    assert read_times(tmp_path / "a.mkv") == [0.0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"held")
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(scene(0), 0.0)
        with pytest.raises(JaxnstError, match=r"a\.mp4: cannot be written"):
            writer.write(np.zeros((4, 4), np.uint8), 0.1)
    assert (tmp_path / "a.mp4").read_bytes() == b"held"
    assert len(list(tmp_path.iterdir())) == 1


def test_only_names_of_videos_are_written() -> None:
    with pytest.raises(JaxnstError, match="videos are written as"):
        check_video_path("a.gif")
