"""The whole process `jaxnst stylize PHOTO --style NAME -o out.png` at 512 px, first and again.

    python benchmarks/cold_start.py --data DIR [--model GALLERY] [--style NAME] [--rounds 3]

The first run of each round finds an empty folder for compiled functions, the second what the first
left there (XDG_CACHE_HOME is a temporary folder). `python -c "import jax"` beside them is the least
that any program with JAX takes. The photo is the first of DIR/content, 512 px on its long side.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from jaxnst.io.codec import list_images, load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.gallery import load_gallery
from jaxnst.networks.shipped import DEFAULT

SIDE = 512  # pixels


def main() -> None:
    """Prints medians of whole processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT, help="gallery, or a model file")
    parser.add_argument("--style", help="one of the gallery's; default: the first")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    style = args.style or load_gallery(args.model).styles[0]
    seconds: dict[str, list[float]] = {"import jax": [], "first run": [], "second run": []}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory(prefix="jaxnst-") as folder:
            photo, out = Path(folder) / "photo.png", Path(folder) / "out.png"
            _write_photo(args.data / "content", photo)
            arguments = ["stylize", str(photo), "--model", args.model, "--style", style]
            arguments += ["-o", str(out)]
            seconds["import jax"].append(_timed(["-c", "import jax"], folder))
            for run in ("first run", "second run"):
                seconds[run].append(_timed(["-m", "jaxnst", *arguments, "--overwrite"], folder))
    print(f"style {style}, {SIDE} px, medians of {args.rounds}")
    for name, runs in seconds.items():
        print(f"  {name:<12} {np.median(runs):.2f} s ({', '.join(f'{run:.2f}' for run in runs)})")


def _write_photo(folder: Path, path: Path) -> None:
    picture = load(list_images(folder)[0]).rgb
    picture = resize(picture, fit_long_side(picture.shape[:2], SIDE))
    Image.fromarray((255 * picture + 0.5).astype(np.uint8)).save(path)


def _timed(arguments: list[str], cache: str) -> float:
    """Seconds of a Python process with an own cache folder; raises if it fails."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(Path(cache) / "cache")}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
