"""Do the default weights carry over between sizes, sets of layers and nets?

    python benchmarks/size.py --data DIR [--pictures FOLDER] [--out FILE.json]

Three pairs of photo and painting, the default preset's weights, 100 evaluations each: 256 and 512
pixels, VGG-16 and VGG-19, two sets of style layers; one pair at 1024 pixels as well. The relative
errors |a - b| / |b| that are left (the loss adds up their squares), layer by layer, are compared
between sizes, and those of the content and of all style layers together between sets of layers and
between nets. DIR holds content/*.jpg and styles/*.jpg; --pictures keeps the pictures.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import _record
import numpy as np

from jaxnst.io.codec import load, save
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Style
from jaxnst.optimize.presets import PaintOptions, load_preset
from jaxnst.optimize.stylize import make_job
from jaxnst.perceptual.weights import load_vgg

PAIRS = (
    ("tubingen", "starry_night_full"),
    ("golden_gate", "great_wave_1024"),
    ("karya_portrait", "woman_with_hat_matisse"),
)
LAYERS = {
    "relu1_1-relu5_1": ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    "relu2_1-relu4_1": ("relu2_1", "relu3_1", "relu4_1"),
}
NETS = ("vgg16", "vgg19")
EVALUATIONS = 100

Errors = Mapping[str, float]
Run = tuple[tuple[str, str], str, str, int]
"""Pair, net, layers, size."""


def main() -> None:
    """Prints the errors and the largest ratio between runs that should agree."""
    parser = _record.parser(__doc__)
    parser.add_argument("--pictures", type=Path, help="folder for the pictures")
    args = parser.parse_args()
    errors = {}
    print(f"{'photo':>15} {'net':>6} {'layers':>16} {'size':>5} | relative errors at the end")
    for pair, net, layers in itertools.product(PAIRS, NETS, LAYERS):
        first = pair == PAIRS[0] and (net, layers) == ("vgg19", "relu1_1-relu5_1")
        for size in (256, 512, 1024) if first else (256, 512):
            errors[pair, net, layers, size] = _run(
                args.data, pair, net, layers, size, args.pictures
            )
    both = {key: _content_and_style(run) for key, run in errors.items()}
    found = _compare(
        "sizes, layer by layer", errors, lambda pair, net, layers, size: (pair, net, layers)
    )
    found |= _compare("sets of layers", both, lambda pair, net, layers, size: (pair, net, size))
    found |= _compare("nets", both, lambda pair, net, layers, size: (pair, layers, size))
    _record.write(args.out, found)


def _content_and_style(run: Errors) -> Errors:
    style = [value for name, value in run.items() if name.startswith("style/")]
    content = [value for name, value in run.items() if name.startswith("content/")]
    return {"content": float(np.mean(content)), "style": float(np.mean(style))}


def _compare(
    what: str, errors: Mapping[Run, Errors], group: Callable[[tuple[str, str], str, str, int], Any]
) -> dict[str, list[float]]:
    """Prints the ratios of errors that should agree, and returns their medians and maxima."""
    alike: dict[Any, list[float]] = {}
    for run, values in errors.items():
        for name, value in values.items():
            alike.setdefault((group(*run), name), []).append(value)
    found = {}
    for kind in ("content", "style"):
        ratios = [max(v) / min(v) for (_, name), v in alike.items() if name.startswith(kind)]
        print(
            f"between {what}: {kind} errors differ by a factor {np.median(ratios):.2f} "
            f"in the median, {max(ratios):.2f} at most (their squares {max(ratios) ** 2:.2f})"
        )
        found[f"{what}, {kind}"] = [float(np.median(ratios)), max(ratios)]
    return found


def _run(
    data: Path, pair: tuple[str, str], net: str, layers: str, size: int, out: Path | None
) -> Errors:
    """Errors by layer after a run."""
    content, style = (
        load(data / folder / f"{name}.jpg").rgb
        for folder, name in zip(("content", "styles"), pair, strict=True)
    )
    job = make_job(content, [Style(style)], _options(net, layers, size))
    started = time.perf_counter()
    *_, last = optimize.run(load_vgg(net), job)
    errors = {name: value**0.5 for name, value in last.parts.items() if "/" in name}
    shown = " ".join(f"{name} {value:.4f}" for name, value in errors.items())
    seconds = time.perf_counter() - started
    print(f"{pair[0]:>15} {net:>6} {layers:>16} {size:>5} | {shown} ({seconds:.0f} s)", flush=True)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        save(out / f"{pair[0]}_{net}_{layers}_{size}.png", np.asarray(last.image))
    return errors


def _options(net: str, layers: str, size: int) -> PaintOptions:
    preset = load_preset("default")
    return dataclasses.replace(
        preset,
        size=size,
        net=net,
        loss=dataclasses.replace(preset.loss, style_layers=LAYERS[layers]),
        optimize=dataclasses.replace(preset.optimize, iterations=EVALUATIONS),
    )


if __name__ == "__main__":
    main()
