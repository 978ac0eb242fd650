"""Painted parts become one file, with the other tracks of the video that was painted."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import film_with_tracks, read_times, scene, write_clip

from jaxnst.errors import JaxnstError
from jaxnst.io.container import WRITTEN
from jaxnst.io.video_join import check_tracks, join, read_comment
from jaxnst.io.video_parts import VideoParts
from jaxnst.io.video_reader import VideoReader
from jaxnst.io.video_writer import VideoWriter, frame_times

VARYING = [0.0, 0.04, 0.1, 0.5, 0.52, 1.0]


def copy(source: Path, target: Path) -> None:
    """In two parts, joined with the sound."""
    parts = [target.with_name(f"{number}.nut") for number in range(2)]
    reader = VideoReader(source)
    frames = list(reader.frames())
    for part, some in zip(parts, (frames[:3], frames[3:]), strict=True):
        with VideoWriter(part) as writer:
            for frame in some:
                writer.write(frame.image, frame.seconds)
        assert frame_times(part) == pytest.approx([frame.seconds for frame in some], abs=1e-4)
    join(parts, target, len(frames), source, "all that is known")
    assert read_comment(target) == "all that is known"


def test_times_that_vary_are_kept(tmp_path: Path) -> None:
    copy(write_clip(tmp_path / "a.mp4", VARYING), tmp_path / "b.mp4")
    assert read_times(tmp_path / "b.mp4") == VARYING
    reader = VideoReader(tmp_path / "b.mp4")
    assert reader.count == 6
    for number, frame in enumerate(reader.frames()):
        difference = frame.image.astype(int) - scene(number)
        assert np.abs(difference).mean() < 6


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("length", [3.0, 0.01])
def test_the_last_frame_is_seen_as_long_as_it_was(
    tmp_path: Path, suffix: str, length: float
) -> None:
    parts, path = parts_of(tmp_path / "a.parts", [0.0, 1.0]), tmp_path / f"a{suffix}"
    join(parts.files, path, 2, None, "", end=1 + length)
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(1e6 * (1 + length), abs=2e3)
    if suffix != ".mkv":  # which has no place for it
        reader = VideoReader(path)
        assert len(list(reader.frames())) == 2
        assert reader.end == pytest.approx(1 + length, abs=0.002)


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


def parts_of(folder: Path, times: list[float]) -> VideoParts:
    """Finished parts with a small frame at each of some times."""
    with VideoParts(folder, {}) as parts:
        for number, seconds in enumerate(times):
            parts.write(scene(number, 32, 32), seconds, None, None)
        parts.finish()
    return parts


def check_lengths(folder: Path, lengths: Iterable[int], rate: Fraction, suffix: str) -> None:
    for length in lengths:
        times = [float(number / rate) for number in range(length)]
        parts = parts_of(folder / f"{length}.parts", times)
        assert parts.count == length
        path = folder / f"{length}{suffix}"
        join(parts.files, path, length, None, "")
        assert read_times(path) == pytest.approx(times, abs=0.0011), length
        assert len(list(VideoReader(path).frames())) == length


def test_short_clips_keep_their_end(tmp_path: Path) -> None:
    check_lengths(tmp_path, range(1, 13), Fraction(25), ".mp4")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), Fraction(25), Fraction(60)])
def test_clips_of_every_length_keep_their_end(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    check_lengths(tmp_path, [*range(1, 41), *range(249, 261)], rate, suffix)


def test_a_result_with_fewer_frames_than_were_painted_is_an_error(tmp_path: Path) -> None:
    parts = parts_of(tmp_path / "a.parts", [0.0, 0.1, 0.2])
    with pytest.raises(JaxnstError, match=r"a\.mp4: cannot be written \(3 of 4 frames"):
        join(parts.files, tmp_path / "a.mp4", 4, None, "")
    assert not (tmp_path / "a.mp4").exists()


def film_with_more(path: Path) -> Path:
    """A clip with two chapters and, in Matroska, a font."""
    clip = write_clip(path.with_name("plain.mkv"), [i / 10 for i in range(20)], sound=True)
    with av.open(str(clip)) as source, av.open(str(path), "w") as film:
        tracks = [film.add_stream_from_template(stream) for stream in source.streams]
        film.set_chapters([
            {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000),
             "metadata": {"title": title}}
            for number, start, end, title in ((1, 0, 800, "Dawn"), (2, 800, 1900, "Noon"))
        ])  # fmt: skip
        if path.suffix == ".mkv":
            film.add_attachment("a.ttf", "font/ttf", b"letters")
        for packet in source.demux():
            if packet.size:
                packet.stream = tracks[packet.stream.index]
                film.mux(packet)
    return path


def joined(source: Path, target: Path) -> Path:
    parts = parts_of(target.with_suffix(".parts"), [i / 10 for i in range(20)])
    join(parts.files, target, parts.count, source, "settings")
    return target


def test_all_sound_tracks_subtitles_languages_and_the_title_are_kept(tmp_path: Path) -> None:
    film = film_with_tracks(tmp_path / "a.mkv")
    assert check_tracks(tmp_path / "b.mkv", film) == []
    with av.open(str(joined(film, tmp_path / "b.mkv"))) as container:
        assert container.metadata["title"] == "The evening"
        assert [(stream.type, stream.language) for stream in container.streams][1:] == [
            ("audio", "ger"), ("audio", "fre"), ("subtitle", "eng"),
        ]  # fmt: skip
        texts = [bytes(p) for p in container.demux(container.streams.subtitles[0]) if p.size]
    assert texts == [b"Good evening"]
    assert read_comment(tmp_path / "b.mkv") == "settings"


def test_a_track_that_the_container_cannot_hold_is_named(tmp_path: Path) -> None:
    film = film_with_tracks(tmp_path / "a.mkv")
    (sentence,) = check_tracks(tmp_path / "b.mp4", film)
    assert "b.mp4: cannot hold the subtitle track (srt, eng): left out" in sentence
    assert "a .mkv path keeps it" in sentence
    with av.open(str(joined(film, tmp_path / "b.mp4"))) as container:
        assert [s.language for s in container.streams.audio] == ["ger", "fre"]
        assert container.metadata["title"] == "The evening"


def chapters(path: Path) -> list[tuple[float, float, str]]:
    with av.open(str(path)) as container:
        return [
            (*(round(float(c[name] * c["time_base"]), 3) for name in ("start", "end")),
             c["metadata"]["title"])
            for c in container.chapters()
        ]  # fmt: skip


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("source", [".mkv", ".mp4"])
def test_chapters_are_kept(tmp_path: Path, source: str, suffix: str) -> None:
    film = film_with_more(tmp_path / f"a{source}")
    result = joined(film, tmp_path / f"b{suffix}")
    assert chapters(result) == [(0.0, 0.8, "Dawn"), (0.8, 1.9, "Noon")]


def test_fonts_are_kept_or_named(tmp_path: Path) -> None:
    film = film_with_more(tmp_path / "a.mkv")
    assert check_tracks(tmp_path / "b.mkv", film) == []
    with av.open(str(joined(film, tmp_path / "b.mkv"))) as container:
        (font,) = (stream for stream in container.streams if stream.type == "attachment")
        assert (font.name, font.mimetype, font.data) == ("a.ttf", "font/ttf", b"letters")
    (sentence,) = check_tracks(tmp_path / "b.mp4", film)
    assert "b.mp4: holds the frames without 1 attachment; a .mkv path keeps" in sentence
    assert read_times(joined(film, tmp_path / "c.mp4"))[-1] == 1.9


def test_the_titles_of_chapters_are_no_track_that_is_left_out(tmp_path: Path) -> None:
    film = film_with_more(tmp_path / "a.mp4")
    with av.open(str(film)) as container:
        assert container.streams.data
    assert check_tracks(tmp_path / "b.mp4", film) == []


def test_further_video_and_data_tracks_are_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "plain.mp4", [i / 10 for i in range(5)])
    with av.open(str(clip)) as source, av.open(str(tmp_path / "a.ts"), "w") as film:
        shown = source.streams.video[0]
        tracks = [film.add_stream_from_template(shown) for _ in range(2)]
        data = film.add_data_stream("bin_data")
        for packet in source.demux(shown):
            if packet.size:
                for track in tracks:
                    packet.stream = track
                    film.mux(packet)
                more = av.Packet(b"degrees")
                more.stream, more.pts, more.dts = data, packet.pts, packet.dts
                more.time_base = packet.time_base
                film.mux(more)
    (sentence,) = check_tracks(tmp_path / "b.mp4", tmp_path / "a.ts")
    assert sentence.endswith("b.mp4: holds the frames without 1 further video track, 1 data track")
