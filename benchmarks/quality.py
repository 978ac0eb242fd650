"""How good the trained styles are: their losses on photos they never saw, and optimization's.

    python benchmarks/quality.py --data DIR [--photos 50] [--styles NAME ...] [--sizes 256 512]
        [--curves 6] [--evaluations 200] [--out FILE.json]

There are two losses: that of Johnson et al. (2016), by the formula of the preset johnson_2016, and
that which the styles were trained on, by configs/train/add_style.toml, whose third term, that of
strokes that repeat like a lattice, has a column of its own and is in no total. First every shipped
style, on the photos that were held out. Then the published udnie network of PyTorch's examples
beside our own. Then the curves that optimizing the pixels by L-BFGS goes along under the loss of
add_style, from the photo and from white noise, as Johnson et al. do, and beside them what the
networks make of the same photos: how many evaluations that is worth. Paintings are at the size that
their strokes were learned at.

DIR holds photos/, styles/ and peers/pytorch_examples_udnie.npz.
"""

import argparse
import dataclasses
import functools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import _record
import jax
import jax.numpy as jnp
import numpy as np

from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.convert_johnson import convert_network
from jaxnst.networks.gallery import gallery_names
from jaxnst.networks.kinds import Slim
from jaxnst.ops.pixels import to_uint8
from jaxnst.optimize import run as optimize
from jaxnst.optimize.job import Job, Style
from jaxnst.optimize.options import OptimizeOptions
from jaxnst.optimize.presets import load_preset
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.config import load_train_config
from jaxnst.training.data import DataOptions, open_data
from jaxnst.training.options import StyleOptions
from jaxnst.training.painting import Painting
from jaxnst.training.run import reference_photos
from jaxnst.training.style_task import Frozen, StyleTask

SIZES = (256, 512)
CURVE_SIZE = 256  # pixels
CURVE_STYLES = ("starry_night", "udnie", "the_scream", "great_wave", "wheat_field", "the_kiss")
"""Of which the first four that ship are compared with optimization."""
STARTS: tuple[Literal["content", "noise"], ...] = ("content", "noise")
MARKS = (1, 25, 50, 100, 200)  # evaluations
HELD_OUT = _record.ROOT / "configs" / "held_out_photos.txt"
GALLERY = _record.ROOT / "configs" / "gallery.toml"
CHOSEN = load_train_config("add_style")
LOSSES = {
    "johnson_2016": (load_preset("johnson_2016").loss, StyleOptions(relative_to="formula")),
    "add_style": (CHOSEN.loss, CHOSEN.style),
}
COLUMNS = ("content", "style", "total", "repetition")

Losses = dict[str, float]


class Look(NamedTuple):
    """A style of a network."""

    model: str
    style: str
    stylizer: Stylizer
    painting: Painting
    """That it was learned from."""

    def paint(self, photo: np.ndarray) -> np.ndarray:
        """The network's picture of a photo [H, W, 3], as a file has it."""
        return self.stylizer(to_uint8(photo), self.style).astype(np.float32) / 255


def main() -> None:
    """Prints the tables and the curves."""
    args = options()
    names = [line for line in HELD_OUT.read_text().splitlines() if not line.startswith("#")]
    photos = [load(args.data / "photos" / name).rgb for name in names[: args.photos]]
    looks = shipped(args.styles)
    judges = make_judges(args.data)
    found: dict[str, Any] = {"styles": {}, "udnie": {}, "curves": []}
    for size in args.sizes:
        found["styles"][size] = table(judges, looks, photos, size)
    udnie = [look for look in looks if look.style == "udnie"]
    published = args.data / "peers" / "pytorch_examples_udnie.npz"
    if udnie and published.is_file():
        rows = [published_network(published, udnie[0].painting), *udnie]
        found["udnie"] = table(judges, rows, photos, CURVE_SIZE)
    for style in curve_styles(looks) if args.curves else ():
        able = [look for look in looks if look.style == style]
        judge = judges["add_style"]
        found["curves"] += curves(judge, able, photos[: args.curves], args.evaluations)
    _record.write(args.out, found)


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = _record.parser(__doc__)
    parser.add_argument("--photos", type=int, default=50, help="of those held out")
    parser.add_argument("--styles", nargs="*", default=[], help="default: all that ship")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="long sides")
    parser.add_argument("--curves", type=int, default=6, help="photos that are optimized, too")
    parser.add_argument("--evaluations", type=int, default=200, help="of a curve, at most")
    return parser.parse_args()


def shipped(styles: Sequence[str]) -> list[Look]:
    """The styles of the galleries that ship, or those of some names."""
    stylizers = {name: Stylizer(name) for name in gallery_names()}
    paintings = {p["name"]: Painting(**p) for p in tomllib.loads(GALLERY.read_text())["styles"]}
    return [
        Look(model, style, stylizer, paintings[style])
        for model, stylizer in stylizers.items()
        for style in stylizer.gallery.styles
        if not styles or style in styles
    ]


def curve_styles(looks: Sequence[Look]) -> list[str]:
    """The styles that are compared with optimization."""
    there = {look.style for look in looks}
    return [style for style in CURVE_STYLES if style in there][:4]


class Judge:
    """Says what a picture's loss is, by the terms that networks are trained on."""

    def __init__(
        self,
        params: vgg.Params,
        paintings: Path,
        photos: Sequence[np.ndarray],
        loss: LossOptions,
        style: StyleOptions,
    ) -> None:
        """Takes VGG, the folder of paintings, photos from which a painting's mean distance is
        measured, and what the loss is."""
        self.params, self.loss = params, loss
        self._paintings, self._photos = str(paintings), photos
        self._task = StyleTask(Slim(), loss, style)
        self._terms = jax.jit(self._task.picture_terms)

    @functools.cache  # noqa: B019 (it lives as long as the program)
    def picture(self, painting: Painting) -> np.ndarray:
        """A painting as it was learned from."""
        return painting.load(self._paintings).rgb

    @functools.cache  # noqa: B019
    def frozen(self, painting: Painting) -> Frozen:
        """What the loss knows of a painting."""
        picture = self.picture(painting)
        return self._task.freeze(self.params, picture, self._photos, painting.weight)

    def losses(self, photo: np.ndarray, picture: np.ndarray, painting: Painting) -> Losses:
        """The weighted terms of a picture of a photo, and their total."""
        terms = self._terms(self.frozen(painting), photo[None], picture[None])
        found = {name: float(term.sum()) for name, term in terms.items()}
        total = sum(term for name, term in found.items() if name != "repetition")
        return {"repetition": 0.0, **found, "total": total}


def make_judges(data: Path) -> dict[str, Judge]:
    """One for each loss; distances are measured from the photos that networks are trained on."""
    source = DataOptions(source=f"folder:{data / 'photos'}", held_out_list=str(HELD_OUT))
    photos = reference_photos(open_data(source, CHOSEN.seed), CHOSEN.data.crop)
    params, paintings = load_params(), data / "styles"
    return {name: Judge(params, paintings, photos, *loss) for name, loss in LOSSES.items()}


def load_params() -> vgg.Params:
    """VGG, prepared once for all that follows."""
    layers = [layer for loss, _ in LOSSES.values() for layer in loss.style_layers]
    return jax.tree.map(jnp.asarray, vgg.prepare(load_vgg(CHOSEN.net), layers))


def as_relative(loss: LossOptions, frozen: Frozen) -> LossOptions:
    """A loss whose style terms are relative to photos, for a painting, by the formula "relative".

    What each layer is relative to becomes a part of its weight.
    """
    weights = loss.style_layer_weights or (1.0,) * len(loss.style_layers)
    scaled = [
        weight * float(frozen.scales[layer])
        for weight, layer in zip(weights, loss.style_layers, strict=True)
    ]
    return dataclasses.replace(
        loss,
        formula="relative",
        style_layer_weights=tuple(scaled),
        style_weight=loss.style_weight * sum(scaled) / sum(weights),
    )


def table(
    judges: Mapping[str, Judge], looks: Sequence[Look], photos: Sequence[np.ndarray], size: int
) -> dict[str, dict[str, dict[str, Losses]]]:
    """Prints mean losses over the photos at a size, and returns them by loss, network and style."""
    print(f"\n{size} px, {len(photos)} photos, under the losses {' and '.join(judges)}")
    print(f"{'':>30}" + len(judges) * (" |" + "".join(f"{name:>11}" for name in COLUMNS)))
    scaled = [fitted(photo, size) for photo in photos]
    found: dict[str, dict[str, dict[str, Losses]]] = {name: {} for name in judges}
    for look in looks:
        cells, pictures = "", [look.paint(photo) for photo in scaled]
        for name, judge in judges.items():
            rows = [
                judge.losses(*pair, look.painting) for pair in zip(scaled, pictures, strict=True)
            ]
            means = {column: float(np.mean([row[column] for row in rows])) for column in COLUMNS}
            found[name].setdefault(look.model, {})[look.style] = means
            cells += " |" + "".join(f"{means[column]:>11.4g}" for column in COLUMNS)
        print(f"{look.model + ' ' + look.style:>30}{cells}", flush=True)
    return found


def published_network(path: Path, painting: Painting) -> Look:
    """The udnie network of PyTorch's examples."""
    model = convert_network(path, "udnie")
    return Look("published", model.name, Stylizer(model), painting)


def fitted(photo: np.ndarray, size: int) -> np.ndarray:
    """A photo with its long side in so many pixels."""
    return resize(photo, fit_long_side(photo.shape[:2], size))


def curves(
    judge: Judge, looks: Sequence[Look], photos: Sequence[np.ndarray], evaluations: int
) -> list[dict[str, Any]]:
    """Total loss along the optimization from each start, and what networks of a style are worth."""
    painting = looks[0].painting
    scaled = [fitted(photo, CURVE_SIZE) for photo in photos]
    totals = {
        look.model: [judge.losses(photo, look.paint(photo), painting)["total"] for photo in scaled]
        for look in looks
    }
    found = []
    for start in STARTS:
        paths = [optimized(judge, photo, painting, start, evaluations) for photo in scaled]
        means = np.mean(paths, axis=0)
        marks = {mark: float(means[mark - 1]) for mark in MARKS if mark <= evaluations}
        shown = ", ".join(f"{mark}: {loss:.4g}" for mark, loss in marks.items())
        print(f"\n{looks[0].style} from {start}, {len(photos)} photos, total after {shown}")
        networks = {name: worths(name, paths, losses) for name, losses in totals.items()}
        found.append(
            {"style": looks[0].style, "start": start, "optimized": marks, "networks": networks}
        )
    return found


def worths(name: str, paths: Sequence[Sequence[float]], losses: Sequence[float]) -> dict[str, Any]:
    """Prints how many evaluations a network's pictures are worth, and returns it by photo."""
    counts = [worth(*pair) for pair in zip(paths, losses, strict=True)]
    print(
        f"{name:>30} {np.mean(losses):.4g}, worth {np.median(counts):.0f} evaluations "
        f"({min(counts)} to {max(counts)})",
        flush=True,
    )
    return {"total": float(np.mean(losses)), "worth": counts}


def worth(path: Sequence[float], loss: float) -> int:
    """How many evaluations it takes to a loss; all of them, if they do not get there."""
    return next((i for i, reached in enumerate(path, 1) if reached <= loss), len(path))


def optimized(
    judge: Judge,
    photo: np.ndarray,
    painting: Painting,
    start: Literal["content", "noise"],
    evaluations: int,
) -> list[float]:
    """The least total loss so far, evaluation by evaluation."""
    picture = judge.picture(painting)
    job = Job(
        photo.shape[:2], photo, (Style(picture),), max(picture.shape[:2]) / max(photo.shape[:2]),
        loss=as_relative(judge.loss, judge.frozen(painting)),
        options=OptimizeOptions(iterations=evaluations, coarsest=0, init=start),
    )  # fmt: skip
    path = [progress.loss for progress in optimize.run(judge.params, job)]
    return np.minimum.accumulate(path).tolist()


if __name__ == "__main__":
    main()
