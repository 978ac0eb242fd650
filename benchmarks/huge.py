"""Peak memory of a trained style at 7680 x 4320, and how bands differ from the whole.

    python benchmarks/huge.py --data DIR [--model FILE] [--style NAME] [--out FILE.json]

Runs `jaxnst stylize` in a process of its own and reads its peak resident memory; then paints a
photo of DIR/content at 1600 pixels at once and in bands. DIR holds content/*.jpg.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _record
import numpy as np

from jaxnst.inference import stylizer as inference
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load, save
from jaxnst.io.resize import fit_long_side, resize


def main() -> None:
    """Prints size, time, peak memory, and the largest difference."""
    parser = _record.parser(__doc__)
    parser.add_argument("--width", type=int, default=7680, help="pixels; 9/16 of it high")
    parser.add_argument("--model", default="slim", help="name or file of a model")
    parser.add_argument("--style", default="starry_night")
    args = parser.parse_args()
    picture = load(args.data / "content/tubingen.jpg").rgb
    size = (args.width * 9 // 16, args.width)
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder, "photo.png"), Path(folder, "out.png")
        save(photo, resize(picture, size))
        seconds, peak = run(photo, out, args.model, args.style)
        assert load(out).rgb.shape == (*size, 3)
    print(f"{size[1]} x {size[0]}: peak {peak / 1e9:.2f} GB, {seconds:.0f} s, the whole process")
    difference = bands_against_whole(picture, args.model, args.style)
    print(f"1600 pixels in bands against at once: at most {difference} of 255")
    figures = {"size": size, "seconds": seconds, "peak_bytes": peak, "difference": difference}
    _record.write(args.out, figures)


def run(photo: Path, out: Path, model: str, style: str) -> tuple[float, int]:
    """Seconds and peak bytes of the command."""
    command = [sys.executable, "-m", "jaxnst", "stylize", str(photo), "--model", model]
    started = time.monotonic()
    subprocess.run(
        [*command, "--style", style, "-o", str(out), "--quiet"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - started
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def bands_against_whole(picture: np.ndarray, model: str, style: str) -> int:
    """The largest difference of 8-bit values."""
    pixels = 255 * resize(picture, fit_long_side(picture.shape[:2], 1600)) + 0.5
    stylizer = Stylizer(model)
    whole = stylizer(pixels.astype(np.uint8), style)
    inference.WHOLE = 0
    banded = stylizer(pixels.astype(np.uint8), style)
    return int(np.abs(whole.astype(int) - banded).max())


if __name__ == "__main__":
    main()
