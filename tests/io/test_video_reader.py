"""Video files that are read: their frames, times and colors, and what is said of them."""

import io
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import scene, write_clip

from jaxnst.errors import JaxnstError
from jaxnst.io.video_reader import VideoReader


def test_frames_are_scaled_as_they_are_read(tmp_path: Path) -> None:
    reader = VideoReader(write_clip(tmp_path / "a.mp4", [0.0, 0.1]))
    assert reader.size == (48, 64)
    assert [frame.image.shape for frame in reader.frames((24, 32))] == [(24, 32, 3)] * 2


def test_a_truncated_video_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "a.mkv", [i / 20 for i in range(100)])
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[:-4000])
    reader = VideoReader(tmp_path / "cut.mkv")
    assert 0 < len(list(reader.frames())) <= 100


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_damaged_packet_costs_some_frames_and_not_the_film(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"a{suffix}", [i / 20 for i in range(200)])
    reader = VideoReader(path)
    assert (len(list(reader.frames())), reader.damage) == (200, "")
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 400] = b"\xff" * 400
    (tmp_path / f"bad{suffix}").write_bytes(whole)
    reader = VideoReader(tmp_path / f"bad{suffix}")
    times = [frame.seconds for frame in reader.frames()]
    assert len(times) > 100
    assert times == sorted(set(times))
    found = re.search(rf"bad\{suffix}: is damaged at about frame (\d+)", reader.damage)
    assert found
    assert 60 < int(found[1]) < 140


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.mp4", b"no video at all", "cannot be read as a video"),
        ("a.mp4", b"", "is empty"),
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


def write_frames(
    path: Path, images: list[np.ndarray], codec: str, kind: str = "yuv420p", **tags: int
) -> Path:
    """A clip of RGB or RGBA images at 25 frames per second; tags are those of the encoder."""
    options = {"x264-params": "tff=1", "flags": "+ildct+ilme"} if tags.pop("fields", 0) else {}
    if kind == "yuva420p":
        options = {"auto-alt-ref": "0"}  # which goes with no alpha
    with av.open(str(path), "w", options=_FASTSTART.get(path.suffix, {})) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = kind
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        layout = "rgb24" if images[0].shape[-1] == 3 else "rgba"
        matrix = "ITU709" if min(images[0].shape[:2]) >= 720 else None
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format=layout)
            frame = frame.reformat(format=kind, dst_colorspace=matrix)
            frame.colorspace = tags.get("colorspace", 2)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


_FASTSTART = {".mov": {"movflags": "faststart"}}


def images_of(path: Path) -> np.ndarray:
    return np.stack([frame.image for frame in VideoReader(path).frames()]).astype(int)


def test_untagged_video_is_bt709_from_720_lines_up(tmp_path: Path) -> None:
    color = (200, 60, 30)
    for height, width in ((720, 960), (128, 128)):
        image = np.full((height, width, 3), color, np.uint8)
        read = images_of(write_frames(tmp_path / "a.mp4", [image], "libx264"))
        assert np.abs(read[0] - color).max() <= 4, height


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        cover, tone = container.add_stream("png", rate=1), container.add_stream("aac", 44_100)
        cover.height, cover.width, cover.pix_fmt = 48, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24")))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), "fltp", "mono")
        samples.sample_rate = 44_100
        container.mux([*tone.encode(samples), *tone.encode(None), *cover.encode(None)])
    with pytest.raises(JaxnstError, match="has no video in it"):
        VideoReader(path)


@pytest.mark.parametrize("matrix", [1, 5])
def test_a_tag_says_which_colors_a_video_has(tmp_path: Path, matrix: int) -> None:
    path, color = tmp_path / "a.mp4", (200, 60, 30)
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), color, np.uint8), format="rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.colorspace = matrix
        name = {1: "ITU709", 5: "ITU601"}[matrix]
        encoded = frame.reformat(format="yuv420p", dst_colorspace=name)
        container.mux([*stream.encode(encoded), *stream.encode(None)])
    assert np.abs(images_of(path)[0] - color).max() <= 4


@pytest.mark.parametrize(
    ("suffix", "codec", "size"),
    [
        (".mkv", "libx264", (48, 64)),
        (".webm", "libvpx", (48, 64)),
        (".mov", "libx264", (48, 64)),  # with its index in front
        (".avi", "mpeg4", (48, 64)),
        (".flv", "flv", (48, 64)),
    ],
)
def test_a_clip_that_was_cut_off_says_where_it_ends(
    tmp_path: Path, suffix: str, codec: str, size: tuple[int, int]
) -> None:
    images = [scene(number, *size) for number in range(75)]
    whole = write_frames(tmp_path / f"whole{suffix}", images, codec)
    reader = VideoReader(whole)
    assert (len(list(reader.frames())), reader.damage) == (75, "")
    (tmp_path / f"cut{suffix}").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    reader = VideoReader(tmp_path / f"cut{suffix}")
    count = len(list(reader.frames()))
    assert 0 < count < 70
    assert f"cut{suffix}: ends at frame {count} of about 75: damaged or cut off" in reader.damage


def test_sound_that_goes_on_behind_the_frames_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream, tone = container.add_stream("libx264", rate=25), container.add_stream("aac", 44_100)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(scene(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 3 * 44_100), np.float32), "fltp", "mono")
        samples.sample_rate = 44_100
        container.mux([*tone.encode(samples), *tone.encode(None)])
    reader = VideoReader(path)
    assert (len(list(reader.frames())), reader.damage) == (25, "")


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_video_is_tone_mapped_and_that_is_said(tmp_path: Path, transfer: int) -> None:
    gray = np.full((64, 64, 3), 148 if transfer == 16 else 191, np.uint8)  # about 203 cd/m2
    path = write_frames(
        tmp_path / "a.mkv", [gray] * 2, "libx264", "yuv420p10le",
        colorspace=9, color_primaries=9, color_trc=transfer,
    )  # fmt: skip
    reader = VideoReader(path)
    assert "is HDR" in reader.notes[0]
    assert "tone-mapped to SDR" in reader.notes[0]
    image = next(reader.frames()).image.astype(int)
    assert 215 <= image.mean() <= 240  # white paper, and room for lights above it
    assert np.ptp(image) <= 4


def test_interlaced_frames_have_no_combs(tmp_path: Path) -> None:
    def combed(number: int) -> np.ndarray:
        image = scene(6 * number, 64, 128)
        image[1::2] = scene(6 * number + 3, 64, 128)[1::2]
        return image

    def combs(image: np.ndarray) -> float:
        rows = image.astype(float)[8:20]
        return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())

    images = [combed(number) for number in range(9)]
    reader = VideoReader(write_frames(tmp_path / "a.mkv", images, "libx264", fields=1))
    assert "is interlaced and was deinterlaced" in reader.notes[0]
    frames = list(reader.frames())
    assert [frame.seconds for frame in frames] == pytest.approx([i / 25 for i in range(9)])
    assert combs(frames[4].image) < 0.3 * combs(images[4])


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_transparent_video_shows_white_and_not_what_is_hidden(tmp_path: Path, codec: str) -> None:
    image = np.dstack([scene(0, 64, 64), np.full((64, 64), 255, np.uint8)])
    image[:, :32] = (0, 255, 0, 0)  # a hidden green
    path = write_frames(tmp_path / "a.webm", [image] * 3, codec, "yuva420p")
    reader = VideoReader(path)
    frames = list(reader.frames())
    assert len(frames) == 3
    assert frames[1].image[:, :24].min() > 250
    assert frames[1].alpha is not None
    assert frames[1].alpha[:, :24].max() < 5
    assert np.abs(frames[1].image[:, 40:].astype(int) - image[:, 40:, :3]).mean() < 12
    assert reader.is_transparent


@pytest.mark.parametrize(
    ("suffix", "codec", "size"),
    [
        *((".ts", "libx264", (48, 64)), (".m2ts", "libx264", (48, 64))),
        *((".mpg", "mpeg2video", (48, 64)), (".wmv", "wmv2", (48, 64)), (".flv", "flv", (48, 64))),
        *((".3gp", "h263", (96, 128)), (".avi", "mpeg4", (48, 64)), (".ogv", "libvpx", (48, 64))),
    ],
)
def test_every_frame_of_every_container_is_read(
    tmp_path: Path, suffix: str, codec: str, size: tuple[int, int]
) -> None:
    images = [scene(number, *size) for number in range(30)]
    reader = VideoReader(write_frames(tmp_path / f"a{suffix}", images, codec))
    frames = list(reader.frames(size))
    assert len(frames) == 30
    assert reader.damage == ""
    assert frames[0].seconds == pytest.approx(0, abs=0.041)
    steps = np.diff([frame.seconds for frame in frames])
    assert np.median(steps) == pytest.approx(0.04, abs=0.002)
    assert 0 < steps.min() <= steps.max() < 0.09  # the times of a program stream are guessed
    assert np.abs(frames[-1].image.astype(int) - images[-1]).mean() < 20
    assert np.abs(frames[0].image.astype(int) - images[0]).mean() < 20


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda frame: frame),
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
        ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
        ((0, -1, 1, 0), np.rot90),
        ((-1, 0, 0, 1), np.fliplr),  # as cameras for selfies have it
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), lambda frame: frame.swapaxes(0, 1)),
    ],
)
def test_frames_are_turned_and_mirrored_as_the_file_says(
    tmp_path: Path, matrix: tuple[int, ...], upright: Callable[[np.ndarray], np.ndarray]
) -> None:
    path = write_clip(tmp_path / "a.mp4", [0.0, 0.1])
    (as_it_is, *_) = images_of(path)
    content = path.read_bytes()
    a, b, c, d = (65_536 * number for number in matrix)
    place = content.index(b"tkhd") + 44  # of the matrix in the header of the track
    asked = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:place] + asked + content[place + 36 :])
    assert VideoReader(path).size == upright(as_it_is).shape[:2]
    np.testing.assert_array_equal(images_of(path)[0], upright(as_it_is))


@pytest.mark.parametrize("suffix", [".webm", ".h264"])
def test_frames_are_counted_in_a_file_that_does_not_tell(tmp_path: Path, suffix: str) -> None:
    stream, path = io.BytesIO(), tmp_path / f"a{suffix}"
    with av.open(_OneWay(stream), "w", suffix[1:]) as container:
        video = container.add_stream("libvpx" if suffix == ".webm" else "libx264", rate=25)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        for number in range(7):
            frame = av.VideoFrame.from_ndarray(scene(number), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    path.write_bytes(stream.getvalue())
    reader = VideoReader(path)
    assert (reader.count, len(list(reader.frames()))) == (7, 7)


class _OneWay:
    """A stream in which nothing can be corrected."""

    def __init__(self, stream: io.BytesIO) -> None:
        self.write = stream.write


def test_pixels_that_are_no_squares_count_as_they_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(20, 1)
        frame = av.VideoFrame.from_ndarray(scene(0, 64, 96), format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert VideoReader(path).size == (64, 1920)
    with pytest.raises(JaxnstError, match=r"1920x64 pixels are more than the limit of 0\.1"):
        VideoReader(path, max_pixels=100_000)


def test_a_stream_without_its_beginning_is_told(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "a.ts", [i / 20 for i in range(40)]).read_bytes()
    (tmp_path / "cut.ts").write_bytes(whole[188 * 20 :])
    with pytest.raises(JaxnstError, match=r"cut\.ts: has no frame that can be read"):
        VideoReader(tmp_path / "cut.ts")


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_clip_whose_clock_does_not_begin_at_zero_is_whole(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"a{suffix}", [5 + i / 10 for i in range(12)])
    reader = VideoReader(path)
    times = [frame.seconds for frame in reader.frames()]
    assert times[-1] - times[0] == pytest.approx(1.1, abs=0.01)
    assert reader.damage == ""
    assert reader.count < 50


def test_a_size_that_cannot_be_is_told_in_one_clause(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", [0.0, 0.1], size=(16, 64))
    with pytest.raises(JaxnstError, match="64x16 pixels are too few") as caught:
        VideoReader(clip)
    assert str(caught.value).count("a.mp4") == 1
    assert VideoReader(clip, min_side=1).size == (16, 64)
