"""Makes the README's moving picture: `jaxnst live` on a clip, photo beside painting.

python tools/make_animation.py CLIP [STYLE ...]

What ships was made of a clip of Intel's sample videos, CC BY 4.0; see the NOTICE.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from jaxnst.io.sources import FileSource, all_frames

OUT = Path(__file__).parent.parent / "docs" / "live.webp"
STYLES = ("starry_night", "composition_vii", "edtaonisl")
SIZE = (640, 240)  # width and height, photo and painting together
FRAMES, EVERY = 48, 2  # of each style; those that are kept


def main() -> None:
    """Writes docs/live.webp."""
    clip, *styles = sys.argv[1:]
    frames = [frame for style in styles or STYLES for frame in painted(clip, style)]
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(
        OUT, save_all=True, append_images=pictures[1:], duration=1000 * EVERY // 25, loop=0,
        quality=60, method=6,
    )  # fmt: skip
    print(f"{OUT}: {len(frames)} frames, {OUT.stat().st_size / 1e6:.1f} MB")


def painted(clip: str, style: str) -> list[np.ndarray]:
    """Frames [H, W, 3] of what the command shows."""
    with tempfile.TemporaryDirectory() as folder:
        film = str(Path(folder, "film.mp4"))
        command = [sys.executable, "-m", "jaxnst", "live", "--source", clip, "--style", style]
        command += ["--split", "--smooth", "--size", "0", "--no-window", "--quiet"]
        subprocess.run([*command, "--frames", str(FRAMES), "-o", film], check=True)
        source = FileSource(film)
        frames = list(all_frames(source))[::EVERY]
        source.close()
    return [cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA) for frame in frames]


if __name__ == "__main__":
    main()
