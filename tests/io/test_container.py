"""Video files: frames with their times, and sound."""

from pathlib import Path

import av
import numpy as np
import pytest
from video_files import read_times, scene, write_clip

from jaxnst.errors import JaxnstError
from jaxnst.io.container import (
    VideoReader,
    VideoWriter,
    check_video_path,
    count_frames,
    join,
    read_comment,
)

VARYING = [0.0, 0.04, 0.1, 0.5, 0.52, 1.0]


def copy(source: Path, target: Path) -> None:
    """In two parts, joined with the sound."""
    parts = [target.with_name(f"{number}.nut") for number in range(2)]
    with VideoReader(source) as reader:
        frames = list(reader.frames())
    for part, some in zip(parts, (frames[:3], frames[3:]), strict=True):
        with VideoWriter(part) as writer:
            for frame in some:
                writer.write(frame.image, frame.seconds)
        assert count_frames(part) == len(some)
    join(parts, target, source, "all that is known")
    assert read_comment(target) == "all that is known"


def test_times_that_vary_are_kept(tmp_path: Path) -> None:
    copy(write_clip(tmp_path / "a.mp4", VARYING), tmp_path / "b.mp4")
    assert read_times(tmp_path / "b.mp4") == VARYING
    with VideoReader(tmp_path / "b.mp4") as reader:
        assert reader.count == 6
        for number, frame in enumerate(reader.frames()):
            difference = frame.image.astype(int) - scene(number)
            assert np.abs(difference).mean() < 6


def test_sound_is_kept_as_it_is(tmp_path: Path) -> None:
    times = [i / 20 for i in range(60)]
    copy(write_clip(tmp_path / "a.mp4", times, sound=True), tmp_path / "b.mp4")
    packets = []
    for name in "ab":
        with av.open(str(tmp_path / f"{name}.mp4")) as container:
            (stream,) = container.streams.audio
            packets.append([bytes(p) for p in container.demux(stream) if p.dts is not None])
    assert packets[0] == packets[1]
    assert len(packets[0]) > 10


def test_frames_are_scaled_as_they_are_read(tmp_path: Path) -> None:
    with VideoReader(write_clip(tmp_path / "a.mp4", [0.0, 0.1])) as reader:
        assert reader.size == (48, 64)
        assert [frame.image.shape for frame in reader.frames((24, 32))] == [(24, 32, 3)] * 2


def test_odd_sides_and_frames_of_another_size(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(scene(0, 49, 63), 0.0)
        writer.write(scene(1, 98, 126), 0.1)
        writer.write(np.full((48, 24, 3), 255, np.uint8), 0.2)
    with VideoReader(tmp_path / "a.mp4") as reader:
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


def test_a_truncated_video_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "a.mkv", [i / 20 for i in range(100)])
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[:-4000])
    with VideoReader(tmp_path / "cut.mkv") as reader:
        assert 0 < len(list(reader.frames())) <= 100


def test_a_damaged_packet_costs_a_frame_and_not_the_film(tmp_path: Path) -> None:
    whole = bytearray(write_clip(tmp_path / "a.mkv", [i / 20 for i in range(200)]).read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 40] = b"\xff" * 40
    (tmp_path / "bad.mkv").write_bytes(whole)
    with VideoReader(tmp_path / "bad.mkv") as reader:
        times = [frame.seconds for frame in reader.frames()]
    assert len(times) > 100
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.mp4", b"no video at all", "cannot be read as a video"),
        ("a.mp4", b"", "cannot be read as a video"),
        ("none.mp4", None, "there is no such file"),
    ],
)
def test_what_is_no_video(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(JaxnstError, match=message):
        VideoReader(tmp_path / name)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        tone = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), "fltp", "mono")
        frame.sample_rate = 44_100
        container.mux([*tone.encode(frame), *tone.encode(None)])
    with pytest.raises(JaxnstError, match="has no video in it"):
        VideoReader(tmp_path / "a.m4a")


def test_only_names_of_videos_are_written() -> None:
    with pytest.raises(JaxnstError, match="videos are written as"):
        check_video_path("a.gif")
