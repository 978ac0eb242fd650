"""Makes the model zoo of the documentation: docs/model_zoo.md and its pictures.

    python tools/make_model_zoo.py

Everything on the page comes from the cards of the networks that ship; the pictures are paintings of
bundled photos. Run it whenever a network is replaced: a test compares the page with what ships.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import jaxnst
from jaxnst.io.codec import load, save
from jaxnst.io.files import atomic_write
from jaxnst.io.resize import resize
from jaxnst.networks.gallery import START, gallery_names
from jaxnst.networks.model_file import DECODER, Model
from jaxnst.networks.shipped import ASSETS, SHIPPED
from jaxnst.ops.pixels import from_uint8, to_uint8

DOCS = Path(__file__).parent.parent / "docs"
PHOTOS = ("cat", "rocket")
PAINTED, SHOWN = 640, 320  # long side of a painting, and as it is shown

INTRO = """\
# Model zoo

<!-- Made by tools/make_model_zoo.py from the cards of the networks. -->

Every network that ships with jaxnst. `jaxnst models show slim/udnie` prints the whole card of one:
how it was trained, on what, and what it was measured at. `jaxnst models verify` checks the files.

*Loss* is the mean content and style term of a network's training loss on photos that it was not
trained on. Lower is nearer to the photo and to the painting. Losses compare only between networks
with the same loss in their recipes.

The slim styles were fine-tuned from one start, as [described here](concepts/recipe.md), in the end
for 240 to 2,000 steps of eight photos on a GPU; the cards tell. Johnson's Udnie was converted from
the weights that PyTorch's examples publish, and has the loss of their training.
"""

TERMS = """\
## Terms of use

The losses are those of VGG networks of the Visual Geometry Group, Oxford (CC BY 4.0). A network may
be used on the terms of the photos and paintings that it was trained on.
"""


def main() -> None:
    """Paints all pictures and writes the page."""
    photos = [to_uint8(load(ASSETS.parent / f"photos/{name}.jpg").rgb) for name in PHOTOS]
    for gallery in gallery_names():
        paint = jaxnst.Stylizer(gallery)
        for style in paint.gallery.styles:
            paintings = [_shown(paint(photo, style, size=PAINTED)) for photo in photos]
            save(DOCS / picture_of(gallery, style), np.concatenate(paintings, axis=1), quality=85)
            print(picture_of(gallery, style))
    with atomic_write(DOCS / "model_zoo.md") as temporary:
        temporary.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page, as it should be for the networks that ship."""
    galleries = [_gallery(name) for name in gallery_names()]
    return "\n".join([INTRO, *galleries, _any_painting(), _upscalers(), TERMS])


def picture_of(gallery: str, style: str) -> str:
    """The path of a style's picture, below docs/."""
    return f"zoo/{gallery}_{style}.jpg"


def _gallery(name: str) -> str:
    gallery = jaxnst.load_gallery(name)
    shared = _network(gallery.model(gallery.styles[0]))
    blends = "with blends and strengths" if gallery.has_strengths else "at strength 1"
    start = f"{name}/{START}"
    kept = f"\n`{start}` is what they started from." if start in SHIPPED else ""
    cards = [_card(name, style, gallery.model(style)) for style in gallery.styles]
    about = f"## {name}\n\n{len(cards)} styles, {blends}: {shared}.{kept}\n"
    return "\n".join([about, '<div class="grid cards" markdown>\n', *cards, "</div>\n"])


def _card(gallery: str, name: str, model: Model) -> str:
    """A style's picture and numbers, one below the other."""
    style = model.style
    title = style.get("title") or name
    credit = ", ".join(style[key] for key in ("artist", "year") if style.get(key))
    losses = _losses(model.card.get("held_out", {}))
    facts = " · ".join(filter(None, [losses, _seen(model), _file(f"{gallery}/{name}")]))
    lines = [
        f"![{title}]({picture_of(gallery, name)})",
        f"**{title}**, `{name}`",
        credit,
        facts,
    ]
    return "- " + "<br>\n  ".join(filter(None, lines)) + "\n"


def _any_painting() -> str:
    model = jaxnst.load_model(DECODER)
    facts = (_network(model), _losses(_first(model)), _seen(model), _file(DECODER))
    about = (
        f"`{DECODER}`: {', '.join(filter(None, facts))}. [How it paints](guides/any_painting.md)."
    )
    return f"## Any painting\n\n{about}\n"


def _upscalers() -> str:
    rows = []
    for name in (name for name in SHIPPED if "/" not in name and name != DECODER):
        model = jaxnst.load_model(name)
        cells = (f"`{name}`", _network(model), _losses(_first(model)), _seen(model), _file(name))
        rows.append(f"| {' | '.join(cells)} |")
    head = "| | network | measured | trained on | file |\n|---|---|---|---|---|"
    return "\n".join(["## Super-resolution\n", head, *rows, ""])


def _network(model: Model) -> str:
    """What is known of the network itself."""
    network = dict(model.card["network"])
    scale = f", x{network['scale']}" if "scale" in network else ""
    numbers = sum(np.size(leaf) for leaf in _leaves(model.params))
    return (
        f"{network['name']}, {network['width']} channels, {network['blocks']} blocks{scale}, "
        f"{numbers:,} parameters"
    )


def _leaves(params: Any) -> Iterator[Any]:
    for value in params.values():
        yield from _leaves(value) if isinstance(value, dict) else [value]


def _first(model: Model) -> dict[str, float]:
    """The held-out losses of a network that is no style."""
    measured: dict[str, Any] = model.card.get("held_out", {})
    row: Any = next(iter(measured.values()), {})
    return row if isinstance(row, dict) else measured


def _losses(measured: dict[str, float]) -> str:
    shown = ("content", "style", "pixel", "feature", "psnr")
    numbers = {name: measured[name] for name in shown if name in measured}
    return ", ".join(f"{name} {_rounded(number)}" for name, number in numbers.items())


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def _seen(model: Model) -> str:
    return f"{model.card['images_seen']:,} crops" if "images_seen" in model.card else ""


def _file(name: str) -> str:
    size = (ASSETS / f"{name}.safetensors").stat().st_size
    return f"{size / 1000:,.0f} kB, `{SHIPPED[name][:8]}`"


def _shown(painting: np.ndarray) -> np.ndarray:
    """A painting as it is shown, smaller and cut to one shape: float [H, W, 3]."""
    height, width = (round(side * SHOWN / max(painting.shape[:2])) for side in painting.shape[:2])
    small = resize(from_uint8(painting), (height, width))
    return np.clip(small[: SHOWN * 2 // 3 - 1], 0, 1)


if __name__ == "__main__":
    main()
