"""Provenance: what a picture was made from. It is embedded in the picture, and a second run
compares it to skip finished pictures."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxnst import __version__
from jaxnst.cli.options import Stylize, Upscale
from jaxnst.cli.plan import PictureTask
from jaxnst.errors import JaxnstError
from jaxnst.io.codec import check_writable_suffix
from jaxnst.io.embedded_settings import read_settings
from jaxnst.io.files import display_name, hashed
from jaxnst.networks.gallery import PHOTO, Gallery
from jaxnst.networks.model_file import DECODER, Model
from jaxnst.networks.shipped import DEFAULT
from jaxnst.perceptual.vgg_layers import NETS

_LONGEST_IN_JPEG = 60_000  # bytes; EXIF holds 65,533, and the losses are still to come


def optimize_provenance(command: Stylize, task: PictureTask) -> dict[str, Any]:
    """Provenance of an optimized picture: version, hashes of the inputs, options, weights.

    Raises:
      JaxnstError: an input cannot be read, or the provenance does not fit into the output.
    """
    options = dataclasses.asdict(command.paint)
    files = {
        "content": hashed([task.content] if task.content else []),
        "styles": hashed(task.styles),
        "masks": hashed(command.mask),
        "start_from": hashed([command.start_from] if command.start_from else []),
        "weights": hashed([] if command.paint.net in NETS else [Path(command.paint.net)]),
    }
    rest = {"blend": command.blend, "quality": command.quality}
    text = json.dumps({"jaxnst": __version__, **files, "options": options | rest})
    if check_writable_suffix(task.output) == "JPEG" and len(text) > _LONGEST_IN_JPEG:
        raise JaxnstError(
            f"{display_name(task.output)}: the settings of so many inputs do not fit into a JPEG: "
            f"give a .png path"
        )
    return json.loads(text)  # so that it is equal to one that is read back from a picture


def network_provenance(
    command: Stylize, task: PictureTask, gallery: Gallery, size: int | None
) -> dict[str, Any]:
    """Provenance of a network's painting; `size` is the long side that was asked for.

    Raises:
      JaxnstError: the photo cannot be read.
    """
    styles = gallery.styles if command.contact_sheet else task.trained
    weights = command.blend or (1.0,) * len(styles)
    options = {
        "styles": dict(zip(styles, weights, strict=True)),
        "strength": command.strength,
        "stroke": command.stroke,
        "keep_colors": command.paint.keep_colors,
        "size": size,
        "quality": command.quality,
        **({"masks": hashed(command.mask)} if command.mask else {}),
    }
    networks = {name: gallery.model(name).card["sha256"] for name in styles if name != PHOTO}
    return _by_network(task, Path(command.model).name or DEFAULT, networks, options)


def any_style_provenance(
    command: Stylize, task: PictureTask, decoder: Model, size: int | None
) -> dict[str, Any]:
    """Provenance of a painting in the style of pictures, in one pass.

    Raises:
      JaxnstError: an input cannot be read.
    """
    options = {
        "weights": list(command.blend or (1.0,) * len(task.styles)),
        "strength": command.strength,
        "stroke": command.stroke,
        "keep_colors": command.paint.keep_colors,
        "size": size,
        "quality": command.quality,
    }
    name = Path(command.model).name or DECODER
    inputs = {"styles": hashed(task.styles), "masks": hashed(command.mask), "method": "fast"}
    return _by_network(task, name, decoder.card["sha256"], options) | inputs


def upscale_provenance(
    command: Upscale, task: PictureTask, card: Mapping[str, Any], model: str
) -> dict[str, Any]:
    """Provenance of an enlarged picture; `model` is the model's name or file.

    Raises:
      JaxnstError: the photo cannot be read.
    """
    options = {
        "scale": card["network"]["scale"],
        "match_histogram": command.match_histogram,
        "quality": command.quality,
    }
    return _by_network(task, Path(model).name, card["sha256"], options)


def fingerprint(provenance: dict[str, Any]) -> str:
    """The SHA-256 of a provenance, which ties a snapshot to its run."""
    return hashlib.sha256(json.dumps(provenance, sort_keys=True).encode()).hexdigest()


def finished_record(task: PictureTask, provenance: dict[str, Any]) -> dict[str, Any] | None:
    """The record in the output if it has the same provenance and was finished, else None."""
    record = read_settings(task.output) or {}
    result = record.get("result")
    done = result.get("iterations") if isinstance(result, dict) else None
    wanted = provenance["options"].get("optimize", {}).get("iterations")
    same = {key: value for key, value in record.items() if key != "result"} == provenance
    return record if same and done == wanted else None


def _by_network(
    task: PictureTask, name: str, sha256: str | Mapping[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    content = hashed([task.content] if task.content else [])
    model = {"name": name, "sha256": sha256}
    return {"jaxnst": __version__, "content": content, "model": model, "options": options}
