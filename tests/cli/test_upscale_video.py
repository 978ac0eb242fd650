"""`jaxnst upscale` with videos and animations."""

import dataclasses
import json
from pathlib import Path

import av
import jax
import numpy as np
import pytest
from model_files import upscaling_model
from PIL import Image
from video_files import read_times, scene, write_clip

from jaxnst.cli import main
from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.animation import AnimationReader
from jaxnst.io.video_join import read_comment
from jaxnst.io.video_parts import VideoParts
from jaxnst.io.video_reader import VideoReader
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import save_model

TIMES = [0.0, 0.05, 0.1, 0.3, 0.35, 0.9]


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("upscale", "video_maker"):
        monkeypatch.setattr(f"jaxnst.cli.{module}.use_compilation_cache", lambda: None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A network that does what bicubic interpolation does, twice as large."""
    model = upscaling_model(Compact(2, 4, 1))
    bicubic = dataclasses.replace(model, params=jax.tree.map(np.zeros_like, model.params))
    save_model(tmp_path / "x2.safetensors", bicubic)
    return tmp_path / "x2.safetensors"


def run(*words: object) -> int:
    return main(["upscale", *map(str, words)])


def test_a_video_becomes_larger_with_its_times_and_sound(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    clip, out = write_clip(tmp_path / "clip.mp4", TIMES, sound=True), tmp_path / "out.mp4"
    assert run(clip, "--model", model, "-o", out) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert read_times(out) == TIMES
    reader, upscaler = VideoReader(out), Upscaler(str(model))
    assert reader.has_sound
    for large, small in zip(reader.frames(), VideoReader(clip).frames(), strict=True):
        wanted = upscaler(small.image).astype(int)
        assert large.image.shape == (96, 128, 3)
        assert np.abs(large.image - wanted).mean() < 3
    assert json.loads(read_comment(out))["options"]["scale"] == 2
    assert run(clip, "--model", model, "-o", out) == 0
    assert "already there with these settings" in capsys.readouterr().err


def test_a_video_that_was_stopped_goes_on(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, out = write_clip(tmp_path / "clip.mp4", TIMES), tmp_path / "out.mp4"
    write, written = VideoParts.write, []

    def write_or_stop(parts: VideoParts, *frame: object) -> None:
        written.append(frame[1])
        write(parts, *frame)
        if len(written) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(VideoParts, "write", write_or_stop)
    words = (clip, "--model", model, "--quiet", "-o", out)
    assert run(*words) == 130
    assert not out.exists()
    assert run(*words) == 0
    assert written == pytest.approx(TIMES, abs=1e-3)  # none of them twice
    assert read_times(out) == TIMES
    assert not (tmp_path / "out.parts").exists()


@pytest.mark.parametrize("name", ["out.gif", "out.webp"])
def test_an_animation_becomes_larger_frame_by_frame(tmp_path: Path, model: Path, name: str) -> None:
    images = [Image.fromarray(scene(9 * number, 24, 40)) for number in range(3)]
    moving = tmp_path / "moving.gif"
    images[0].save(moving, save_all=True, append_images=images[1:], duration=[100, 40, 300])
    assert run(moving, "--model", model, "--quiet", "-o", tmp_path / name) == 0
    frames = list(AnimationReader(tmp_path / name).frames())
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.14], abs=0.001)
    upscaler = Upscaler(str(model))
    for large, small in zip(frames, AnimationReader(moving, min_side=1).frames(), strict=True):
        assert large.image.shape == (48, 80, 3)
        assert np.abs(large.image.astype(int) - upscaler(small.image)).mean() < 8


def test_a_transparent_animation_keeps_its_colors_at_its_edges(tmp_path: Path, model: Path) -> None:
    image = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
    image.paste((200, 40, 40, 255), (8, 8, 32, 32))
    moved = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
    moved.paste((200, 40, 40, 255), (4, 8, 28, 32))
    image.save(tmp_path / "a.webp", save_all=True, append_images=[moved], lossless=True)
    out = tmp_path / "out.webp"
    assert run(tmp_path / "a.webp", "--model", model, "--quiet", "-o", out) == 0
    with Image.open(out) as large:
        assert large.n_frames == 2
        pixels = np.asarray(large.convert("RGBA")).astype(int)
    assert pixels.shape == (80, 80, 4)
    assert pixels[0, 0, 3] == 0
    seen = pixels[pixels[..., 3] > 10]
    assert 48 * 48 <= len(seen) < 56 * 56
    assert np.abs(seen[:, :3] - [200, 40, 40]).max() <= 3


def test_a_transparent_animation_lies_on_white_in_a_video_and_that_is_said(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    images = [Image.new("RGBA", (40, 40), (0, 255, 0, alpha)) for alpha in (0, 10)]
    images[0].save(tmp_path / "a.webp", save_all=True, append_images=images[1:], lossless=True)
    out = tmp_path / "out.mp4"
    assert run(tmp_path / "a.webp", "--model", model, "-o", out) == 0
    assert next(VideoReader(out).frames()).image.min() > 250
    assert "out.mp4: shows white where the frames are transparent" in capsys.readouterr().err


def test_a_clip_may_be_smaller_than_what_can_be_painted(tmp_path: Path, model: Path) -> None:
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 5, 3, "bgra"
        pixels = np.full((3, 5, 4), 90, np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="bgra")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    out = tmp_path / "out.mp4"
    assert run(tmp_path / "clip.mkv", "--model", model, "--quiet", "-o", out) == 0
    assert VideoReader(out, min_side=1).size == (6, 10)


@pytest.mark.parametrize(
    ("size", "name", "message"),
    [
        ((48, 64), "out.png", "videos are written as .mp4"),
        ((48, 64), "clip.mp4", "is an input and would be overwritten"),
        ((48, 64), ".", "is a folder; give the path of a video"),
        ((48, 64), "new/", "new: is a folder; give the path of a video, as in new/out.mp4"),
        ((48, 8194), "out.mp4", "a video has at most 16384 pixels a side, not 16388"),
        ((48, 8194), "out.webp", "a WebP has at most 16383 pixels a side, not 16388"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    tmp_path: Path, model: Path, size: tuple[int, int], name: str, message: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", TIMES[:2], size=size)
    before = sorted(tmp_path.iterdir())
    assert run("clip.mp4", "--model", model, "-o", name) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_what_only_has_the_name_of_a_video(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.png")
    for name, message in (
        ("clip.mp4", "clip.mp4: is empty"),
        ("text.mp4", "text.mp4: cannot be read as a video (Invalid data found when processing "
         "input); give"),
        ("photo.png", "photo.png is none: give a .png path"),
    ):  # fmt: skip
        assert run(tmp_path / name, "--model", model, "-o", tmp_path / "out.mp4") == 2
        errors = capsys.readouterr().err
        assert message in errors
        assert errors.count("\n") == 1
