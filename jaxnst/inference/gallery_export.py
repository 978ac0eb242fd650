"""A gallery as a folder of files for the page that paints in the visitor's browser.

One graph takes the weights as inputs; each style is a file of weights, and averages of them are
blends. Graphs of the networks that enlarge lie beside it. `manifest.json` tells what there is.
Files have their hash in their names, so that browsers may keep them for good, and the manifest
comes last, so that a folder is always of one export.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line
from jaxnst.networks.export import needed_packages
from jaxnst.networks.gallery import PHOTO, Gallery
from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import UPSCALING, Model, load_model
from jaxnst.ops.pixels import to_uint8

MANIFEST = "manifest.json"
SAMPLE = Path(__file__).parents[1] / "assets" / "photos" / "astronaut.jpg"
"""What thumbnails show."""

_THUMBNAIL = 256  # pixels a side
_CHECK = 96  # pixels a side of the picture by which a browser checks itself
_SCALES = (2, 4)  # that a page can enlarge by
_KEPT = ("title", "artist", "year", "licence")  # of what a card says of a style

_Arrays = Mapping[str, np.ndarray]


def export_gallery(folder: PathLike, gallery: Gallery, styles: Sequence[str] = ()) -> int:
    """Writes the graphs, the weights and a thumbnail of each style, and the manifest.

    Args:
      folder: made if it is missing. What an earlier export left in it is replaced.
      gallery: networks that paint.
      styles: which of them, by name; none: all.

    Returns:
      The size of all files, in bytes.

    Raises:
      JaxnstError: there is no such style, the folder holds other files or cannot be written, or the
        package onnx is missing.
    """
    folder = Path(folder)
    old = _earlier_files(folder)
    names = list(dict.fromkeys(styles or gallery.styles))
    files = _Files()
    with needed_packages(folder / "network.onnx"):
        manifest = _manifest(files, gallery, names)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise JaxnstError(
            f"{display_name(folder)}: cannot be made ({one_line(error)}); give another folder"
        ) from error
    for name, data in {**files.data, MANIFEST: json.dumps(manifest, indent=1).encode()}.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(data)
    for name in old - set(files.data):
        with suppress(OSError):
            (folder / name).unlink()
    return sum(map(len, files.data.values()))


class _Files:
    """Contents by name; a name has the hash of the content."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def add(self, stem: str, suffix: str, data: bytes) -> str:
        """The name that a content gets."""
        name = f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
        self.data[name] = data
        return name

    def add_weights(self, stem: str, weights: _Arrays) -> str:
        """As `add`, all numbers one after the other in float16, little-endian."""
        parts = [array.astype("<f2").tobytes() for array in weights.values()]
        return self.add(stem, ".bin", b"".join(parts))


def _manifest(files: _Files, gallery: Gallery, names: Sequence[str]) -> dict[str, Any]:
    """What the page reads first; all that it names is added to the files."""
    from jaxnst.networks.export_onnx import to_onnx_of_any_style

    models = [gallery.model(name) for name in names]
    graph, weights = to_onnx_of_any_style(models[0])
    cpu_graph, _ = to_onnx_of_any_style(models[0], winograd=True)
    stylizer, photo = Stylizer(gallery), to_uint8(load(SAMPLE).rgb)
    manifest: dict[str, Any] = {
        "jaxnst": __version__,
        "graph": files.add("network", ".onnx", graph.SerializeToString()),
        "cpu_graph": files.add("network_cpu", ".onnx", cpu_graph.SerializeToString()),
        "inputs": [{"name": name, "shape": array.shape} for name, array in weights.items()],
        "check": _check(files, stylizer, photo, names[0]),
        "upscalers": [_upscaler(files, scale) for scale in _SCALES],
        "photo": None,
        "styles": [],
    }
    if gallery.photo is not None:
        at_nothing = Model(gallery.network, gallery.photo, {})
        manifest["photo"] = files.add_weights(PHOTO, to_onnx_of_any_style(at_nothing)[1])
    for name, model in zip(names, models, strict=True):
        style = {
            "name": name,
            **{key: model.style[key] for key in _KEPT if model.style.get(key)},
            "weights": files.add_weights(name, to_onnx_of_any_style(model)[1]),
            "thumbnail": files.add(name, ".webp", _thumbnail(stylizer(photo, name, size=384))),
        }
        manifest["styles"].append({"title": name, **style})
    return {**manifest, "files": list(files.data)}


def _upscaler(files: _Files, scale: int) -> dict[str, Any]:
    """The network that ships for a scale, with its weights, and how far around it must see."""
    from jaxnst.networks.export_onnx import to_onnx

    model = load_model(UPSCALING[scale])
    assert isinstance(model.network, UpscaleNetwork)
    graph = to_onnx(model, weights="float16", winograd=True).SerializeToString()
    file = files.add(f"enlarge_x{scale}", ".onnx", graph)
    return {"scale": scale, "reach": model.network.reach, "graph": file}


def _check(files: _Files, stylizer: Stylizer, photo: np.ndarray, style: str) -> dict[str, Any]:
    """A small photo and its painting in a style, uint8 [H, W, 3] both, in one file."""
    top = (len(photo) - _CHECK) // 2
    small = np.ascontiguousarray(photo[top : top + _CHECK, top : top + _CHECK])
    data = small.tobytes() + stylizer(small, style).tobytes()
    return {
        "file": files.add("check", ".bin", data),
        "style": style,
        "height": _CHECK,
        "width": _CHECK,
    }


def _thumbnail(painting: np.ndarray) -> bytes:
    """A painting, uint8 [H, W, 3], as a small WebP file."""
    image, file = Image.fromarray(painting), io.BytesIO()
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    image.save(file, "WEBP", quality=82)
    return file.getvalue()


def _earlier_files(folder: Path) -> set[str]:
    """The names that an earlier export's manifest gives.

    Raises:
      JaxnstError: there is something else in the folder.
    """
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return set()
        names = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {Path(name).name for name in names}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise JaxnstError(
            f"{display_name(folder)}: is not a folder of an earlier export: give one that is "
            f"empty or not there yet"
        ) from error
