"""Small pictures, and `jaxnst stylize` on them in this process, with shallow layers."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image

from jaxnst.cli import main
from jaxnst.perceptual.weights import load_vgg

QUICK = (
    *("--content-layers", "relu2_1", "--style-layers", "relu1_1"),
    *("--size", "40", "--iterations", "3"),
)

cached_vgg = functools.cache(load_vgg)


def picture(path: Path, seed: int = 0, width: int = 48, height: int = 40, **options) -> Path:
    """Writes soft noise; the options are Pillow's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


def cut_outs(folder: Path, size: int = 48) -> list[Path]:
    """The same noise cut out four times, with other colors hidden around it."""
    alpha = np.zeros((size, size), np.uint8)
    alpha[size // 4 : -size // 4, size // 4 : -size // 4] = 255
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    paths = []
    for name, hidden in {"green": (0, 255, 0), "black": (0,) * 3, "white": (255,) * 3}.items():
        rgb = np.where(alpha[..., None] > 0, noise, np.uint8(hidden))
        Image.fromarray(np.dstack([rgb, alpha])).save(folder / f"{name}.png")
        paths.append(folder / f"{name}.png")
    Image.fromarray(np.dstack([noise, alpha])).save(folder / "noise.png")
    return [*paths, folder / "noise.png"]


def inputs(folder: Path) -> tuple[Path, Path]:
    """A photo and a style."""
    return picture(folder / "photo.png", 1), picture(folder / "style.png", 2, 44, 44)


def stylize(*args: object) -> int:
    """The exit status of a quick `jaxnst stylize`; later arguments override the quick ones."""
    return main(["stylize", *QUICK, *map(str, args)])


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def tree(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, to see that nothing changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }
