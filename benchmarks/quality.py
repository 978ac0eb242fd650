"""How good the trained styles are: their losses on photos they never saw, and optimisation's.

    python benchmarks/quality.py --data DIR [--photos 50] [--evaluations 200] [--out FILE.json]

The loss is that of Johnson et al. (2016), by the formula of the preset johnson_2016. First every
shipped style, on the photos that were held out, at 256 and 512 pixels. Then the curve that
optimising the pixels by L-BFGS goes along, from the photo, and beside it what the network makes of
the same photos: how many evaluations it is worth. Then the published udnie network of PyTorch's
examples beside our own. Paintings are at the size that their strokes were learnt at.

DIR holds photos/, styles/ and peers/pytorch_examples_udnie.npz.
"""

import argparse
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.convert_johnson import convert_network
from jaxnst.networks.gallery import gallery_names
from jaxnst.ops.pixels import to_uint8
from jaxnst.optimize import run as optimize
from jaxnst.optimize.presets import load_preset
from jaxnst.optimize.run import Job, OptimizeOptions, Style
from jaxnst.perceptual import losses
from jaxnst.perceptual.losses import StyleTarget, Targets
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.painting import Painting

SIZES = (256, 512)
MARKS = (1, 25, 50, 100, 200)  # evaluations
CURVES = {256: (6, ("starry_night", "udnie"), 200), 512: (3, ("starry_night",), 100)}
"""By size: photos, styles, evaluations."""
HELD_OUT = Path(__file__).parent.parent / "configs" / "held_out_photos.txt"
OPTIONS = load_preset("johnson_2016").loss
PARTS = ("content", "style", "total")

Losses = dict[str, float]


def main() -> None:
    """Prints the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--evaluations", type=int, default=200, help="of a curve, at most")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    names = [line for line in HELD_OUT.read_text().splitlines() if not line.startswith("#")]
    photos = [load(args.data / "photos" / name).rgb for name in names[: args.photos]]
    judge = Judge(args.data)
    found: dict[str, Any] = {"styles": {}, "curves": [], "udnie": {}}
    stylizers = {name: Stylizer(name) for name in gallery_names()}
    for size in SIZES:
        found["styles"][size] = all_styles(judge, stylizers, photos, size)
    for size, (count, styles, most) in CURVES.items():
        evaluations = min(most, args.evaluations)
        for style in styles:
            able = {name: s for name, s in stylizers.items() if style in s.gallery.styles}
            found["curves"].append(curve(judge, able, photos[:count], style, size, evaluations))
    found["udnie"] = published_udnie(judge, stylizers, photos, args.data)
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n")


class Judge:
    """Says what the loss of a painting is."""

    def __init__(self, data: Path) -> None:
        """DIR of the paintings."""
        self.params, self._data = load_vgg("vgg16"), data
        self._content = jax.jit(functools.partial(losses.content_targets, options=OPTIONS))
        self._loss = jax.jit(functools.partial(losses.perceptual_loss, options=OPTIONS))

    @functools.cache  # noqa: B019 (it lives as long as the program)
    def picture(self, painting: Painting) -> np.ndarray:
        """A painting as it was learnt from."""
        return painting.load(str(self._data / "styles"))

    @functools.cache  # noqa: B019
    def style(self, painting: Painting) -> StyleTarget:
        """What is known of a painting."""
        return losses.style_targets(self.params, jnp.asarray(self.picture(painting)), OPTIONS)

    def content(self, photo: np.ndarray) -> Mapping[str, jax.Array]:
        """What is known of a photo."""
        return self._content(self.params, jnp.asarray(photo))

    def losses(
        self, image: np.ndarray, content: Mapping[str, jax.Array], style: StyleTarget
    ) -> Losses:
        """Weighted content and style, and the total, of a painting in bytes."""
        picture = jnp.asarray(image, jnp.float32) / 255
        total, parts = self._loss(self.params, picture, Targets(content, (style,)))
        return {
            "content": float(parts["content"]),
            "style": float(parts["style"]),
            "total": float(total),
        }


def all_styles(
    judge: Judge, stylizers: Mapping[str, Stylizer], photos: Sequence[np.ndarray], size: int
) -> dict[str, dict[str, Losses]]:
    """Means over the photos, by model and style."""
    print(f"\n{size} px, {len(photos)} photos: {'content':>22} {'style':>10} {'total':>10}")
    scaled = [resize(photo, fit_long_side(photo.shape[:2], size)) for photo in photos]
    contents = [judge.content(photo) for photo in scaled]
    found: dict[str, dict[str, Losses]] = {}
    for model, stylizer in stylizers.items():
        for style in stylizer.gallery.styles:
            target = judge.style(painting_of(stylizer, style))
            rows = [
                judge.losses(stylizer(to_uint8(photo), style), content, target)
                for photo, content in zip(scaled, contents, strict=True)
            ]
            found.setdefault(model, {})[style] = show(f"{model} {style}", rows)
    return found


def curve(
    judge: Judge,
    stylizers: Mapping[str, Stylizer],
    photos: Sequence[np.ndarray],
    style: str,
    size: int,
    evaluations: int,
) -> dict[str, Any]:
    """Total loss along the optimisation, and of the networks, as means over the photos."""
    painting = painting_of(next(iter(stylizers.values())), style)
    target, picture = judge.style(painting), judge.picture(painting)
    paths = []
    totals: dict[str, list[float]] = {name: [] for name in stylizers}
    for photo in photos:
        scaled = resize(photo, fit_long_side(photo.shape[:2], size))
        content = judge.content(scaled)
        for name, stylizer in stylizers.items():
            painted = stylizer(to_uint8(scaled), style)
            totals[name].append(judge.losses(painted, content, target)["total"])
        paths.append(optimised(judge, scaled, picture, size, evaluations))
    means = np.mean(paths, axis=0)
    marks = {mark: float(means[mark - 1]) for mark in MARKS if mark <= evaluations}
    shown = ", ".join(f"{mark}: {loss:.4g}" for mark, loss in marks.items())
    print(f"\n{style}, {size} px, {len(photos)} photos, total after evaluations {shown}")
    networks = {}
    for name, found in totals.items():
        worths = [*map(worth, paths, found)]
        networks[name] = {"total": float(np.mean(found)), "worth": worths}
        print(
            f"{name:>34} {np.mean(found):.4g}, worth {np.median(worths):.0f} evaluations "
            f"({min(worths)} to {max(worths)})",
            flush=True,
        )
    return {"style": style, "size": size, "optimised": marks, "networks": networks}


def worth(path: Sequence[float], loss: float) -> int:
    """How many evaluations it takes to a loss; all of them, if they do not get there."""
    return next((i for i, reached in enumerate(path, 1) if reached <= loss), len(path))


def optimised(
    judge: Judge, photo: np.ndarray, painting: np.ndarray, size: int, evaluations: int
) -> list[float]:
    """The least total loss so far, evaluation by evaluation."""
    options = OptimizeOptions(iterations=evaluations, coarsest=0, init="content")
    job = Job(
        photo.shape[:2], photo, (Style(painting),), max(painting.shape[:2]) / size,
        loss=OPTIONS, options=options,
    )  # fmt: skip
    path = [progress.loss for progress in optimize.run(judge.params, job)]
    return np.minimum.accumulate(path).tolist()


def published_udnie(
    judge: Judge, stylizers: Mapping[str, Stylizer], photos: Sequence[np.ndarray], data: Path
) -> dict[str, Losses]:
    """The published network's losses and ours, at 256 pixels."""
    ours = {name: s for name, s in stylizers.items() if "udnie" in s.gallery.styles}
    published = data / "peers" / "pytorch_examples_udnie.npz"
    if not ours or not published.is_file():
        return {}
    target = judge.style(painting_of(next(iter(ours.values())), "udnie"))
    print(f"\nudnie, 256 px, {len(photos)} photos: {'content':>15} {'style':>10} {'total':>10}")
    model = convert_network(published, "udnie")
    networks = {"published": (Stylizer(model), model.name)}
    networks |= {name: (stylizer, "udnie") for name, stylizer in ours.items()}
    found = {}
    for name, (stylizer, style) in networks.items():
        rows = []
        for photo in photos:
            scaled = resize(photo, fit_long_side(photo.shape[:2], SIZES[0]))
            painted = stylizer(to_uint8(scaled), style)
            rows.append(judge.losses(painted, judge.content(scaled), target))
        found[name] = show(name, rows)
    return found


def painting_of(stylizer: Stylizer, style: str) -> Painting:
    """The painting that a style was learnt from, from the card."""
    return Painting(**stylizer.gallery.model(style).card["recipe"]["painting"])


def show(name: str, rows: Sequence[Losses]) -> Losses:
    """Prints means, and returns them."""
    means = {part: float(np.mean([row[part] for row in rows])) for part in PARTS}
    values = " ".join(f"{means[part]:>10.4g}" for part in PARTS)
    print(f"{name:>34} {values}", flush=True)
    return means


if __name__ == "__main__":
    main()
