"""Makes the README's pictures, of the bundled photos: paintings by optimization, and by a network.

python tools/make_gallery.py [gallery] [any_painting] [optimized] [styles] [blends] [upscale] [web]
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import jaxnst
from jaxnst.io.codec import load, save
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.io.sheets import contact_sheet
from jaxnst.networks.gallery import gallery_names
from jaxnst.networks.model_file import SHARPER, UPSCALING
from jaxnst.ops.pixels import from_uint8, to_uint8
from jaxnst.ops.resampling import downsample, resize_bicubic

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "jaxnst/assets"
PAIRS = (
    ("cat", "swirling_night"),
    ("coffee", "ember_hills"),
    ("astronaut", "ember_hills"),
    ("rocket", "swirling_night"),
)
CELL = (300, 450)  # height and width of a picture in the grid, pixels
GAP = 6


STRENGTHS = (0.0, 0.33, 0.67, 1.0, 1.5)
SMALL = 300  # long side in the sheets of the network, which paints twice as large
BLEND = ("starry_night", "great_wave")
SHOWN = ("starry_night", "great_wave", "the_scream")
PAINTED = ("astronaut", "coffee")


def main() -> None:
    """Writes the pictures that are named, or all, into docs/."""
    (ROOT / "docs").mkdir(exist_ok=True)
    makers = {
        "gallery": make_gallery,
        "any_painting": make_any_painting,
        "optimized": make_optimized,
        "styles": make_styles,
        "blends": make_blends,
        "upscale": make_upscale,
        "web": make_web,
    }
    for name in sys.argv[1:] or makers:
        save(ROOT / f"docs/{name}.jpg", makers[name](), quality=85)


def make_gallery() -> np.ndarray:
    """In one pass: two photos as they are, below each other, and each in three styles."""
    paint, rows = jaxnst.Stylizer("johnson"), []
    for name in PAINTED:
        photo = load(ASSETS / f"photos/{name}.jpg").rgb
        paintings = [from_uint8(paint(to_uint8(photo), style, size=640)) for style in SHOWN]
        rows.append(np.concatenate([_framed(cell) for cell in (photo, *paintings)], axis=1))
    return np.concatenate(rows)[GAP:, GAP:]


def make_optimized() -> np.ndarray:
    """By optimization: two rows of photo | painting | photo | painting."""
    rows = [np.concatenate([_pair(*pair) for pair in PAIRS[i : i + 2]], axis=1) for i in (0, 2)]
    return np.concatenate(rows)[GAP:, GAP:]


def make_any_painting() -> np.ndarray:
    """In one pass, without training: two paintings above two photos, as they paint them."""
    paint, rows = jaxnst.AnyStylizer(), []
    styles = [load(ASSETS / f"styles/{name}.jpg").rgb for name in ("swirling_night", "ember_hills")]
    rows.append([np.ones_like(styles[0]), *styles])
    for name in PAINTED:
        photo = load(ASSETS / f"photos/{name}.jpg").rgb
        paintings = [from_uint8(paint(to_uint8(photo), to_uint8(style))) for style in styles]
        rows.append([photo, *paintings])
    cells = [np.concatenate([_framed(cell) for cell in row], axis=1) for row in rows]
    return np.concatenate(cells)[GAP:, GAP:]


def make_styles() -> np.ndarray:
    """One photo in every style of the networks that ship."""
    photo = to_uint8(load(ASSETS / "photos/astronaut.jpg").rgb)
    cells = {"photo": photo}
    for name in gallery_names():
        paint = jaxnst.Stylizer(name)
        cells |= {f"{name}: {s}": paint(photo, s, size=2 * SMALL) for s in paint.gallery.styles}
    return _sheet(cells, columns=5)


def make_blends() -> np.ndarray:
    """One style at several strengths, and two in several mixtures."""
    paint, photo = jaxnst.Stylizer("slim"), to_uint8(load(ASSETS / "photos/cat.jpg").rgb)
    one, other = BLEND
    cells = {
        f"{one} {strength:g}": paint(photo, one, strength=strength, size=2 * SMALL)
        for strength in STRENGTHS
    }
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        blend = {one: 1 - share, other: share}
        cells[f"{share:.0%} {other}"] = paint(photo, blend, size=2 * SMALL)
    return _sheet(cells, columns=len(STRENGTHS))


def make_upscale() -> np.ndarray:
    """A part of a photo, made small, then enlarged 4 and 8 times: bicubic, and our networks."""
    photo, cells = load(ASSETS / "photos/astronaut.jpg").rgb[20:220, 200:400], {}
    height, width = (2 * side for side in photo.shape[:2])
    for scale, sharper in SHARPER.items():
        small = downsample(jnp.asarray(photo), scale // 2)
        large = resize_bicubic(small, (height, width), quantize=True)
        cells[f"bicubic x{scale}"] = to_uint8(np.asarray(large))
        for name in (UPSCALING[scale], sharper):
            cells[name] = jaxnst.Upscaler(name)(to_uint8(np.asarray(small)))
    return contact_sheet(cells, columns=3)


def make_web() -> np.ndarray:
    """The page in Chromium, with a photo painted."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "jaxnst", "web", "--port", "0", "--no-browser"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as playwright,
    ):
        assert server.stdout is not None
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 760})
        page.goto(server.stdout.readline().split()[0])
        page.set_input_files("#paint-photo input[type=file]", ASSETS / "photos/coffee.jpg")
        page.wait_for_selector("#paint-photo img")
        page.locator("#paint-gallery button").nth(1).click()
        page.wait_for_selector("#paint-status em:has-text('Great Wave')")
        page.wait_for_selector("#paint-download:enabled")
        page.wait_for_timeout(2000)  # till all is drawn
        picture = page.screenshot()
        browser.close()
        server.terminate()
    return load(io.BytesIO(picture)).rgb


def _sheet(cells: dict[str, np.ndarray], columns: int) -> np.ndarray:
    """Pictures with their names, each made small."""
    shape = fit_long_side(next(iter(cells.values())).shape[:2], SMALL)
    small = {name: to_uint8(resize(cell / 255, shape)) for name, cell in cells.items()}
    return contact_sheet(small, columns)


def _pair(photo: str, style: str) -> np.ndarray:
    """The photo and its painting side by side, with a white rim above and to the left."""
    content = load(ASSETS / f"photos/{photo}.jpg").rgb
    painting = jaxnst.stylize(content, load(ASSETS / f"styles/{style}.jpg").rgb)
    save(ROOT / "out" / f"gallery_{photo}.png", painting)
    return np.concatenate([_framed(content), _framed(painting)], axis=1)


def _framed(picture: np.ndarray) -> np.ndarray:
    """A picture cut to the cell's shape, more of it at the bottom: heads are at the top."""
    height, width = picture.shape[:2]
    scale = max(CELL[0] / height, CELL[1] / width)
    scaled = resize(picture, (round(height * scale), round(width * scale)))
    top, left = (scaled.shape[0] - CELL[0]) // 8, (scaled.shape[1] - CELL[1]) // 2
    cell = scaled[top : top + CELL[0], left : left + CELL[1]]
    return np.pad(cell, ((GAP, 0), (GAP, 0), (0, 0)), constant_values=1.0)


if __name__ == "__main__":
    main()
