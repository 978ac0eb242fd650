"""How good super-resolution is: the paper's table, on Set5, Set14 and B100.

    python benchmarks/superres.py --data DIR [--model FILE ...] [--scales 4 8] [--quick]
        [--out FILE.json]

PSNR and SSIM of the luma of video, less a border as wide as the scale, as in Johnson et al. (2016);
gray files as they are. And the distance of VGG-19's features (`metrics.feature_distance`) in the
middle 256 x 256 pixels: lower is nearer. Every picture goes through eight bits. At x4 the low
resolution is that of the test sets' own files, and how near ours comes to them is printed; else it
is made as they were. The paper's rows are printed beside ours.

DIR holds sr/Set5, sr/Set14, sr/B100 and sr/LR_bicubic_x4.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import _record
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxnst.inference.upscaler import Upscaler
from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import UPSCALING, load_model, model_names
from jaxnst.ops.metrics import crop_border, psnr, ssim, video_luma
from jaxnst.ops.resampling import downsample, resize_bicubic
from jaxnst.perceptual.feature_distance import feature_distance
from jaxnst.perceptual.weights import load_vgg

SETS = ("Set5", "Set14", "B100")
MIDDLE = 256  # pixels, of the part whose features are compared
GRAY = {"bridge"}  # the one file of a single channel; all others count by their luma

# Johnson et al. (2016), table in section 4.2; SRCNN as quoted there. PSNR and SSIM, set by set.
PAPER = {
    4: {
        "paper's l_pixel": ((28.40, 0.8205), (25.75, 0.6994), (25.91, 0.6680)),
        "SRCNN": ((30.48, 0.8628), (27.49, 0.7503), (26.90, 0.7101)),
        "paper's l_feat": ((27.09, 0.7680), (24.99, 0.6731), (24.95, 0.6317)),
    },
    8: {"paper's l_feat": ((23.26, 0.7058), (21.64, 0.5837), (21.35, 0.5474))},
}

Enlarge = Callable[[np.ndarray, tuple[int, int]], np.ndarray]
Scores = dict[str, float]


def main() -> None:
    """Prints a table for each scale."""
    parser = _record.parser(__doc__)
    parser.add_argument("--model", nargs="*", default=[], help="more networks to measure")
    parser.add_argument("--scales", type=int, nargs="*", default=sorted({4, 8, *UPSCALING}))
    parser.add_argument("--quick", action="store_true", help="no features")
    args = parser.parse_args()
    judge = Judge(with_features=not args.quick)
    found: dict[int, Any] = {}
    for scale in args.scales:
        ways = {"bicubic": bicubic, **networks(scale, args.model)}
        found[scale] = {name: {s: [] for s in SETS} for name in ways}
        for folder in SETS:
            for path in sorted((args.data / "sr" / folder).glob("*.png")):
                small, photo = pair(args.data / "sr", path, scale)
                for name, enlarge in ways.items():
                    result = enlarge(small, photo.shape[:2])
                    found[scale][name][folder].append(judge.scores(result, photo, path.stem, scale))
        found[scale] = {
            name: {folder: mean(rows) for folder, rows in sets.items()}
            for name, sets in found[scale].items()
        }
        print_table(scale, found[scale])
        print_agreement(args.data / "sr", scale)
    _record.write(args.out, found)


def networks(scale: int, files: list[str]) -> dict[str, Enlarge]:
    """The networks for a scale, of those that ship and those named."""
    found: dict[str, Enlarge] = {}
    for name in (*model_names(), *files):
        model = load_model(name)
        if isinstance(model.network, UpscaleNetwork) and model.network.scale == scale:
            upscaler = Upscaler(model)
            found[Path(name).stem] = lambda small, _, upscaler=upscaler: upscaler(small)  # type: ignore[misc]
    return found


def bicubic(small: np.ndarray, height_width: tuple[int, int]) -> np.ndarray:
    """As Matlab does it."""
    large = resize_bicubic(jnp.asarray(small, jnp.float32) / 255, height_width, quantize=True)
    return np.asarray(jnp.round(255 * large).astype(jnp.uint8))


def pair(data: Path, path: Path, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture at low and at full resolution, uint8; its sides are cut to multiples."""
    photo = read(path)
    height, width = (side // scale * scale for side in photo.shape[:2])
    photo = photo[:height, :width]
    given = data / f"LR_bicubic_x{scale}" / path.parent.name / path.name
    if given.is_file():
        return read(given), photo
    return shrunk(photo, scale), photo


def shrunk(photo: np.ndarray, scale: int) -> np.ndarray:
    """Our own low resolution, uint8."""
    small = downsample(jnp.asarray(photo, jnp.float32) / 255, scale)
    return np.asarray(jnp.round(255 * small).astype(jnp.uint8))


def print_agreement(data: Path, scale: int) -> None:
    """How near our low resolution comes to that of the files, borders included."""
    nearness = []
    for given in sorted(data.glob(f"LR_bicubic_x{scale}/*/*.png")):
        _, photo = pair(data, data / given.parent.name / given.name, scale)
        error = (shrunk(photo, scale).astype(float) - read(given)) / 255
        nearness.append(-10 * math.log10(max(np.mean(np.square(error)), 1e-12)))
    if nearness:
        print(
            f"our low resolution against {len(nearness)} given files: {min(nearness):.1f} dB and up"
        )


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


class Judge:
    """Compares pictures."""

    def __init__(self, with_features: bool) -> None:
        params = load_vgg("vgg19") if with_features else None
        self._distance = params and jax.jit(partial(feature_distance, params))

    def scores(self, result: np.ndarray, photo: np.ndarray, name: str, scale: int) -> Scores:
        """PSNR in dB, SSIM, and the distance of features."""
        a, b = (jnp.asarray(x, jnp.float32) / 255 for x in (result, photo))
        luma = (lambda x: x[..., :1]) if name in GRAY else video_luma
        ours, theirs = (crop_border(luma(x), scale) for x in (a, b))
        distance = float("nan")
        if self._distance:
            distance = float(self._distance(middle(a)[None], middle(b)[None])[0])
        return {
            "psnr": float(psnr(ours, theirs)),
            "ssim": float(ssim(ours, theirs)),
            "features": distance,
        }


def middle(picture: jax.Array) -> jax.Array:
    """The middle of a picture, or all of a small one: few shapes, which compile once each."""
    top, left = (max(0, side - MIDDLE) // 2 for side in picture.shape[:2])
    return picture[top : top + MIDDLE, left : left + MIDDLE]


def mean(rows: list[Scores]) -> Scores:
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def print_table(scale: int, found: dict[str, dict[str, Scores]]) -> None:
    print(f"\nx{scale}: PSNR (dB) / SSIM / distance of features")
    print(f"{'':<22}" + "".join(f"{folder:>24}" for folder in SETS))
    for name, sets in found.items():
        cells = [f"{s['psnr']:.2f} / {s['ssim']:.4f}" for s in sets.values()]
        if not math.isnan(sets[SETS[0]]["features"]):
            distances = [f" / {s['features']:.4f}" for s in sets.values()]
            cells = [cell + more for cell, more in zip(cells, distances, strict=True)]
        print(f"{name:<22}" + "".join(f"{cell:>24}" for cell in cells))
    for name, row in PAPER.get(scale, {}).items():
        cells = [f"{dB:.2f} / {likeness:.4f}" for dB, likeness in row]
        print(f"{name:<22}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
