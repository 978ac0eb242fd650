"""`jaxnst models`: list, show, verify, export, blend and convert trained networks."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import arg

from jaxnst.cli.output_checks import check_new_file
from jaxnst.cli.parsing import Json, NewFile, Source, run_subcommand
from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name
from jaxnst.networks.gallery import gallery_names, load_gallery
from jaxnst.networks.model_file import Model, load_model, model_names, save_model
from jaxnst.networks.shipped import DEFAULT

Bits = Literal[16, 8]
Models = Annotated[tyro.conf.Positional[tuple[str, ...]], arg(metavar="[NAME|FILE ...]")]
Styles = Annotated[tyro.conf.Positional[tuple[str, ...]], arg(metavar="STYLE ...")]
Weights = Annotated[tuple[float, ...], arg(metavar="[WEIGHT ...]")]
Name = Annotated[str, arg(metavar="NAME")]


def main(argv: Sequence[str]) -> int:
    """Runs one subcommand; 0 if all is well, 2 if a file was refused."""
    commands: dict[str, Callable[..., int]] = {
        "list": list_,
        "show": show,
        "verify": verify,
        "export": export,
        "convert": convert,
        "blend": blend,
    }
    return run_subcommand(
        commands, argv, "jaxnst models", "Trained networks: what ships, and files of your own."
    )


def list_(json: Json = False) -> int:
    """List the networks that ship: galleries of styles, and those that enlarge or decode."""
    if json:
        return _print_json([_summary(name, load_model(name)) for name in model_names()])
    for gallery in gallery_names():
        styles = load_gallery(gallery)
        count = len(styles.styles)
        print(f"{gallery}: {count} style{'s' if count > 1 else ''}")
        for name in styles.styles:
            print(f"  {name:<20} {_credit(styles.model(name).style)}")
    for name in model_names():
        if "/" not in name:
            described = load_model(name).card["network"]
            does = f"x{described['scale']}" if "scale" in described else "for any painting"
            print(f"{name}: {described['name']} network, {does}")
    return 0


def show(model: tyro.conf.Positional[str], json: Json = False) -> int:
    """Show a network's card: styles, training settings, losses on photos it was not trained on.

    Args:
      model: A name from `jaxnst models list`, or a .safetensors file.
    """
    card = dict(load_model(model).card)
    if json:
        return _print_json(card)
    _print_table(card)
    return 0


def verify(models: Models = (), json: Json = False) -> int:
    """Check that the arrays of network files match their cards and one another.

    Args:
      models: Names or .safetensors files. Default: all that ship.
    """
    found: list[dict[str, Any]] = []
    for name in models or model_names():
        try:
            found.append(_summary(name, load_model(name)) | {"problem": ""})
        except JaxnstError as error:
            found.append({"model": name, "problem": str(error)})
    if json:
        print(_json(found))
    for entry in found:
        if entry["problem"]:
            print(f"jaxnst: error: {entry['problem']}", file=sys.stderr)
        elif not json:
            print(f"{entry['model']}: ok, sha256 {entry['sha256']}")
    return 2 if any(entry["problem"] for entry in found) else 0


def export(work: tyro.conf.Positional[Path], out: NewFile, bits: Bits = 16) -> int:
    """Export the network from a training run's last checkpoint.

    Args:
      work: The run's work folder.
      bits: Bits per weight; 8 halves the file and changes pictures slightly.
    """
    from jaxnst.training.run import export_checkpoint  # slow to import

    check_new_file(out, "networks")
    model = export_checkpoint(work)
    save_model(out, model, bits=bits)
    print(f"{display_name(out)}: after {model.card['steps']} steps")
    return 0


def convert(source: Source, out: NewFile, name: Name = "") -> int:
    """Convert a network trained by PyTorch's fast_neural_style example.

    Args:
      source: Its state dict: a .pth, .npz or .safetensors file.
      name: Name of the style. Default: that of the file.
    """
    from jaxnst.networks.convert_johnson import convert_network

    check_new_file(out, "networks", source)
    model = convert_network(source, name or source.stem)
    save_model(out, model)
    print(f"{display_name(out)}: style {model.name}")
    return 0


def blend(
    styles: Styles,
    out: NewFile,
    weights: Weights = (),
    strength: float = 1.0,
    model: str = DEFAULT,
    bits: Bits = 16,
) -> int:
    """Write a network that paints in a blend of styles, or at another strength.

    Args:
      styles: Names of the styles.
      weights: One weight for each style. Default: all count alike.
      strength: Strength of the style, 0 (the photo itself) to 2 (exaggerated).
      model: Where the styles are: slim or johnson, a .safetensors file, or a folder of such files.
      bits: Bits per weight; 8 halves the file and changes pictures slightly.
    """
    check_new_file(out, "networks", Path(model))
    if len(weights or styles) != len(styles) or not styles:
        raise JaxnstError(
            f"there are {len(weights)} weights for {len(styles)} styles: give one for each style"
        )
    gallery = load_gallery(model)
    shares = dict(zip(styles, weights or (1.0,) * len(styles), strict=True))
    blended = gallery.blended(shares, strength)
    save_model(out, blended, bits=bits)
    print(f"{display_name(out)}: {blended.style['title']}")
    return 0


def _summary(name: str, model: Model) -> dict[str, Any]:
    """The entry of a model in a list."""
    card = model.card
    style = {"style": model.style} if model.style else {}
    return {"model": name, "network": card["network"], **style, "sha256": card["sha256"]}


def _credit(style: dict[str, str]) -> str:
    """Title, artist and year, as far as known."""
    known = [style.get(key, "") for key in ("title", "artist", "year")]
    return display_name(", ".join(text for text in known if text))


def _print_table(values: dict[str, Any], indent: str = "") -> None:
    """Prints a card line by line, nested tables indented."""
    for name, value in values.items():
        if isinstance(value, dict):
            print(f"{indent}{display_name(name)}:")
            _print_table(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"{indent}{display_name(name)}:")
            for row in value:
                shown = ", ".join(f"{key} {text}" for key, text in row.items() if text != "")
                print(f"{indent}  {display_name(shown)}")
        else:
            print(f"{indent}{display_name(name)}: {display_name(str(value))}")


def _print_json(value: Any) -> int:
    print(_json(value))
    return 0


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
