"""What is taken for a video, whatever it is called."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_files import scene, write_clip

from jaxnst.io.codec import save
from jaxnst.io.container import is_video
from jaxnst.io.video_reader import VideoReader
from jaxnst.io.video_writer import VideoWriter


@pytest.mark.parametrize("name", ["clip", "clip.bin", "clip.jpg", "clip.MP4"])
def test_a_video_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    clip = write_clip(tmp_path / "a.mp4", [0.0, 0.1])
    shutil.copy(clip, tmp_path / name)
    assert is_video(tmp_path / name)


def test_pictures_and_texts_are_no_videos(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.webp", "a.tif", "a.bmp"):
        save(tmp_path / name, scene(0).astype(np.float32) / 255)
    Image.fromarray(scene(0)).save(tmp_path / "a.avif")
    Image.fromarray(scene(0)).save(tmp_path / "a.ppm")
    Image.fromarray(scene(0)).save(tmp_path / "a.ico")
    Image.fromarray(scene(0)).save(tmp_path / "a.pdf")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:300])
    (tmp_path / "a.txt").write_text("words\n" * 99)
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(20_000))
    (tmp_path / "folder").mkdir()
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_video(path)] == []
    assert not is_video(Path("-"))
    assert not is_video(tmp_path / "none")
    assert not is_video(tmp_path / "none.mp4")


@pytest.mark.parametrize("name", ["12:30.mp4", "http:a", "pipe:0"])
def test_a_name_with_a_colon_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copy(write_clip(tmp_path / "a.mp4", [0.0, 0.1]), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert is_video(name)
    assert len(list(VideoReader(name).frames())) == 2
    with VideoWriter(Path(f"{name}.mkv")) as writer:
        writer.write(scene(0), 0.0)
    assert len(list(VideoReader(f"{name}.mkv").frames())) == 1
