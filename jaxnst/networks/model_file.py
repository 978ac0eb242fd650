"""A trained network on disk: one safetensors file with its card inside.

The arrays are the network's parameters by path ("encoder/down1/conv/kernel"), float16 or int8
(`jaxnst.networks.int8`). The card is JSON in the file's header: which network it is, its style's
name, title, artist and year, the recipe it was trained by, what it was measured at, the start that
it was fine-tuned from, and the SHA-256 of its arrays.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays

from jaxnst.errors import JaxnstError, check_choice, check_number, nearest
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line, open_binary
from jaxnst.io.safetensors import flat, nested, read_header
from jaxnst.networks import int8
from jaxnst.networks.kinds import (
    DECODED,
    NETWORKS,
    PAINTERS,
    AnyNetwork,
    Decoder,
    Network,
)
from jaxnst.networks.shipped import ASSETS, SHIPPED

SUFFIX = ".safetensors"

DECODER = "decoder_relu3_1"
"""The decoder that ships."""

UPSCALING = {2: "upscale_x2", 4: "upscale_x4", 8: "upscale_x8"}
"""The model that ships for each scale of super-resolution."""

SHARPER = {4: "upscale_x4_features", 8: "upscale_x8_features"}
"""Those trained by features: sharper to the eye, further off pixel by pixel."""

_FORMAT = "3"
_BEFORE_GALLERIES = ("1", "2")  # formats in which a painting network had several styles
_LARGEST = 200_000_000  # bytes; the largest network one can ask for is far below


@dataclasses.dataclass(frozen=True)
class Model:
    """A network with its parameters, and what is known of it."""

    network: AnyNetwork
    params: Mapping[str, Any]
    card: Mapping[str, Any]

    @property
    def style(self) -> dict[str, str]:
        """Name, title, artist, year and license of what it paints in; empty if it enlarges."""
        return dict(self.card.get("style", {}))

    @property
    def name(self) -> str:
        """The name of its style; "" if it has none."""
        return self.style.get("name", "")


def save_model(path: PathLike, model: Model, *, bits: Literal[16, 8] = 16) -> None:
    """Writes a model, whole or not at all; its card gets the hash of the arrays.

    Args:
      path: a .safetensors file.
      model: what to write.
      bits: of a number; with 8 the file is half as large.

    Raises:
      JaxnstError: the file cannot be written.
    """
    arrays = dict(flat(model.params))
    arrays = int8.quantize(arrays) if bits == 8 else arrays
    arrays = {
        name: np.ascontiguousarray(array, None if array.dtype == np.int8 else np.float16)
        for name, array in arrays.items()
    }
    card = {**model.card, "sha256": _digest(arrays)}
    # In one entry, since the order of several in the file would be random.
    metadata = {"card": json.dumps({"format": _FORMAT, **card})}
    with atomic_write(path) as temporary:
        temporary.write_bytes(dump_arrays(arrays, metadata))


def load_model(name_or_path: PathLike, *, known: Iterable[str] = SHIPPED) -> Model:
    """A model that ships, by name ("slim/udnie", "upscale_x4"), or one from a file.

    Args:
      name_or_path: which one.
      known: the names to choose from, for the message about a wrong one.

    Raises:
      JaxnstError: there is no such model, or it is not what its card says.
    """
    name = display_name(name_or_path)
    path = Path(name_or_path)
    if path.suffix != SUFFIX:
        if str(name_or_path) not in SHIPPED:
            raise JaxnstError(
                f"model {name!r} is unknown: {nearest(name, known)}, or give a {SUFFIX} file"
            )
        path = ASSETS / f"{name_or_path}{SUFFIX}"
    with open_binary(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise JaxnstError(f"{name}: is larger than any model")
    ships = path.is_relative_to(ASSETS)
    if ships and _shipped_hash(path) != hashlib.sha256(data).hexdigest():
        raise JaxnstError(f"{name}: is not the file that ships: install jaxnst anew")
    try:
        card = read_card(data)
        arrays = load_arrays(data)
    except (SafetensorError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise JaxnstError(f"{name}: not a model of jaxnst ({one_line(error)})") from error
    if card.get("sha256") != _digest(arrays):
        raise JaxnstError(f"{name}: its arrays are not those of its card: get the file anew")
    return _assembled(name, card, arrays, known=ships)


def load_decoder(model: Model | PathLike = DECODER) -> Model:
    """A decoder, with which pictures are styles: given as it is, or as for `load_model`.

    Raises:
      JaxnstError: there is no such model, or it is another network.
    """
    name = "this model" if isinstance(model, Model) else f"model {display_name(model)!r}"
    if not isinstance(model, Model) and (Path(model).suffix == SUFFIX or str(model) in SHIPPED):
        model = load_model(model)
    if not (isinstance(model, Model) and isinstance(model.network, Decoder)):
        raise JaxnstError(
            f"{name} is no decoder, and pictures as styles want one: give a {SUFFIX} file of one, "
            f"or {DECODER}, which ships"
        )
    return model


def read_card(data: bytes) -> dict[str, Any]:
    """The card in a model file's bytes.

    Raises:
      ValueError: there is none.
    """
    card = read_header(data, "card")
    if card.get("format") not in (_FORMAT, *_BEFORE_GALLERIES):
        raise ValueError("no card that this version can read")
    is_painter = card.get("network", {}).get("name") in PAINTERS
    if card.pop("format") in _BEFORE_GALLERIES and is_painter:
        raise ValueError(
            "made by a version that had several styles in one network; train the style anew"
        )
    return card


def upscaling_model(scale: int, *, sharp: bool = False) -> str:
    """The name of the model that ships for a scale.

    Raises:
      JaxnstError: there is none.
    """
    known = SHARPER if sharp else UPSCALING
    if scale not in known:
        scales, kind = ", ".join(map(str, known)), "sharp network" if sharp else "network"
        raise JaxnstError(f"no {kind} enlarges {scale} times: the scale can be {scales}")
    return known[scale]


def upscaling_models() -> tuple[str, ...]:
    """The models that ship for super-resolution."""
    return tuple(name for name in SHIPPED if "upscale" in name)


def model_names() -> tuple[str, ...]:
    """The models that ship."""
    return tuple(SHIPPED)


def describe_network(network: AnyNetwork) -> dict[str, Any]:
    """What a card says of a network: its name, and what it is set to."""
    name = next(name for name, kind in NETWORKS.items() if type(network) is kind)
    return {"name": name, **dataclasses.asdict(network)}


def described_network(card: Mapping[str, Any]) -> AnyNetwork:
    """The network that a card describes.

    Raises:
      KeyError, TypeError, JaxnstError: there is no such network.
    """
    settings = dict(card["network"])
    check_number("width", settings["width"], low=1, high=512)
    check_number("blocks", settings["blocks"], high=64)
    if "layer" in settings:
        check_choice("layer", settings["layer"], DECODED)
    return NETWORKS[settings.pop("name")](**settings)


def check_params(network: AnyNetwork, params: Mapping[str, Any]) -> None:
    """Raises JaxnstError unless the parameters have the names and shapes that the network wants."""
    wanted = jax.eval_shape(network.init, jax.random.key(0), *network.example())["params"]
    shapes = {path: leaf.shape for path, leaf in flat(wanted)}
    given = {path: np.shape(leaf) for path, leaf in flat(params)}
    for path in shapes | given:
        if shapes.get(path) != given.get(path):
            raise JaxnstError(f"{path} has the shape {given.get(path)}, not {shapes.get(path)}")


def _assembled(
    name: str, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, known: bool
) -> Model:
    """The model of a card and arrays, in float32; unless they are known, their shapes are checked,
    for which the network is traced."""
    try:
        full = int8.dequantize(arrays)
        full.pop("conditions", None)  # of earlier versions; networks that enlarge had none
        network = described_network(card)
        params = nested(full)
        if not known:
            check_params(network, params)
        model = Model(network, params, card)
        if isinstance(network, Network) and not isinstance(model.name, str):
            raise TypeError("its style has no name")
    except (LookupError, TypeError, ValueError, AttributeError, JaxnstError) as error:
        raise JaxnstError(f"{name}: not a model of this version ({one_line(error)})") from error
    return model


def _shipped_hash(path: Path) -> str | None:
    return SHIPPED.get(path.relative_to(ASSETS).with_suffix("").as_posix())


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
