"""`jaxnst export`: writes a trained network for other programs."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnst.cli.options import Export
from jaxnst.cli.output_checks import check_apart
from jaxnst.cli.parsing import parse
from jaxnst.errors import JaxnstError, nearest
from jaxnst.inference.exported import Comparison, compare
from jaxnst.inference.gallery_export import export_gallery
from jaxnst.io.files import check_writable, display_name
from jaxnst.networks.export import ONNX, check_export, export_model, needed_packages
from jaxnst.networks.gallery import Gallery, gallery_names, load_gallery
from jaxnst.networks.kinds import Decoder, UpscaleNetwork
from jaxnst.networks.model_file import DECODER, SUFFIX, Model, load_model, model_names


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns 0."""
    command = parse(Export, argv, "jaxnst export", Export.__doc__ or "")
    if command.for_browser:
        return _for_browser(command)
    check_export(command.output, command.weights)
    check_writable(command.output)
    check_apart([Path(command.model)], [command.output])
    if command.check and command.output.suffix == ONNX:
        _check_runtime(command.output)
    model = _chosen_model(command)
    export_model(command.output, model, as_float=command.as_float, weights=command.weights)
    if not command.json:
        print(f"{display_name(command.output)}: {_title(model)}, {_size(command)}")
    rows = []
    for row in compare(command.output, model) if command.check else ():
        rows.append(row)
        if not command.json:
            print(_told(row))
    if command.json:
        print(json.dumps(_report(command, model, rows)))
    return 0


def _for_browser(command: Export) -> int:
    """Writes a gallery as a folder; returns 0."""
    gallery = load_gallery(command.model)
    styles = command.style or tuple(gallery.styles)
    size = export_gallery(command.output, gallery, styles)
    if command.json:
        print(json.dumps({"output": str(command.output), "styles": styles, "bytes": size}))
    else:
        name, count = display_name(command.output), len(styles)
        print(f"{name}: {count} {'style' if count == 1 else 'styles'}, {size / 1e6:.1f} MB")
    return 0


def _chosen_model(command: Export) -> Model:
    """The network that a command names, with its styles blended and at its strength.

    Raises:
      JaxnstError: there is no such network or style.
    """
    name = command.model
    upscalers = [name for name in model_names() if "/" not in name and name != DECODER]
    if name in gallery_names() or Path(name).is_dir():
        return _painter(command, load_gallery(name))
    if name not in (*upscalers, DECODER) and Path(name).suffix != SUFFIX:
        known = nearest(name, [*gallery_names(), *upscalers])
        raise JaxnstError(
            f"model {display_name(name)!r} is unknown: {known}, or give a {SUFFIX} file"
        )
    model = load_model(name)
    if isinstance(model.network, Decoder):
        raise JaxnstError(
            f"{display_name(name)}: is a decoder, which paints only with VGG-19 beside it: give a "
            f"network of trained styles, or one that enlarges"
        )
    if not isinstance(model.network, UpscaleNetwork):
        return _painter(command, load_gallery(name))
    if command.style or command.strength != 1:
        raise JaxnstError(
            f"{display_name(name)}: enlarges pictures and has no style: leave out --style and "
            f"--strength"
        )
    return model


def _painter(command: Export, gallery: Gallery) -> Model:
    """One network of a gallery, or a blend."""
    styles = command.style or tuple(gallery.styles[:1])
    if not command.style and len(gallery.styles) > 1:
        raise JaxnstError(
            f"{display_name(command.model)}: has {len(gallery.styles)} styles: give --style "
            f"{' or '.join(gallery.styles[:2])} or another of `jaxnst models list`"
        )
    shares: dict[str, float] = dict.fromkeys(styles, 0.0)
    for style, weight in zip(styles, command.blend or (1.0,), strict=True):
        shares[style] += weight
    shares = gallery.weights(shares)
    if len(shares) == 1 and command.strength == 1:
        return gallery.model(*shares)
    return gallery.blended(shares, command.strength)


def _check_runtime(path: Path) -> None:
    """Raises JaxnstError unless what --check runs a file with is installed."""
    with needed_packages(path):
        if importlib.util.find_spec("onnxruntime") is None:
            raise ImportError(name="onnxruntime")


def _title(model: Model) -> str:
    """What a network does, in a few words."""
    described = model.card["network"]
    if "scale" in described:
        return f"{described['name']} network, x{described['scale']}"
    title = model.style.get("title") or model.name
    return f"{described['name']} network, {display_name(title)}"


def _size(command: Export) -> str:
    return f"{command.weights}, {command.output.stat().st_size / 1e6:.1f} MB"


def _told(row: Comparison) -> str:
    return (
        f"  {row.width} x {row.height}: at most {row.difference}/255 from jaxnst's; "
        f"{row.seconds:.3f} s, jaxnst {row.seconds_jaxnst:.3f} s"
    )


def _report(command: Export, model: Model, rows: Sequence[Comparison]) -> dict[str, Any]:
    """What --json prints."""
    return {
        "output": str(command.output),
        "network": model.card["network"],
        "style": model.style,
        "weights": command.weights,
        "bytes": command.output.stat().st_size,
        "check": [row._asdict() for row in rows],
    }
