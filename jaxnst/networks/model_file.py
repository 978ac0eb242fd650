"""A trained model on disk: one safetensors file with its card inside.

The arrays are the kernels of a network, float16, by path ("encoder/down1/conv/kernel"), and
"conditions" [S, K], a row for each style; or, in a file of 8 bits, codes of both
(`jaxnst.networks.int8`), the conditions part by part ("conditions/noise"). The card is JSON in the
file's header: what network it is, its styles with name, title, artist and year, the recipe it was
trained by, what it was measured at, and the SHA-256 of its arrays.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays

from jaxnst.errors import JaxnstError, check_choice, check_number, nearest
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line, open_binary
from jaxnst.networks import int8 as codes
from jaxnst.networks.base import NETWORKS, Network
from jaxnst.networks.super_resolution import UPSCALERS, UpscaleNetwork

PHOTO = "photo"
"""The style that leaves a photo as it is; strength is measured from it."""

SUFFIX = ".safetensors"

DEFAULT = "slim"

SHIPPED = {
    "slim": "11d2dcdb6a6992d4f017ca675d46c4d18b9e9656859693ace823005475f23bed",
    "johnson_udnie": "be056073bf7e00fde580f3f16b67109c1f2f302132b123c7ee28fee02b793693",
    "upscale_x2": "48ed5c15fb2c5ff23f10f5261f4287f247fc480067c087df6aa0c4d59c721025",
    "upscale_x4": "dd6f3303c4eaf9b16dbdd741a9836c0fc83a83bee8008f6bd01bed258cb20382",
    "upscale_x8": "4e54013f40b336378fa9d9e2eebd1878bb3e5ba7a6f765cd581b07771fb8baff",
    "upscale_x4_features": "20ac947df4d87e7dc656a513fa05d75008344fbaf376cbdd0bb2df8413f468f6",
    "upscale_x8_features": "01e0843c6405a0e6876f939b0c720f43e6e7d422592e1dc471c9adfc0ab4deeb",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
}
"""SHA-256 of the files that ship."""

KINDS: Mapping[str, type[Network] | type[UpscaleNetwork]] = {**NETWORKS, **UPSCALERS}
"""All networks by the names that cards give them."""

UPSCALING = {2: "upscale_x2", 4: "upscale_x4", 8: "upscale_x8"}
"""The model that ships for each scale of super-resolution."""

SHARPER = {4: "upscale_x4_features", 8: "upscale_x8_features"}
"""Those trained by features: sharper to the eye, further off pixel by pixel."""

_FORMATS: Mapping[int, str] = {16: "1", 8: "2"}
"""What cards say of a file's format, by the bits of its numbers."""
_CONDITIONS = "conditions/"  # before the names of parts
_LARGEST = 200_000_000  # bytes; the largest network one can ask for is far below
_ASSETS = Path(__file__).parents[1] / "assets" / "models"


@dataclasses.dataclass(frozen=True)
class Model:
    """A network with its parameters, and what is known of it."""

    network: Network | UpscaleNetwork
    kernels: Mapping[str, Any]
    conditions: np.ndarray
    """[S, K], a row for every style of the card; a network that enlarges has none."""
    card: Mapping[str, Any]

    @property
    def rows(self) -> list[str]:
        """The names of all conditions, "photo" among them if it was trained."""
        return [style["name"] for style in self.card["styles"]]

    @property
    def styles(self) -> list[str]:
        """The names of the styles."""
        return [name for name in self.rows if name != PHOTO]

    def condition(self, style: str | Mapping[str, float], strength: float = 1.0) -> np.ndarray:
        """The condition [K] of a style or a blend of styles.

        Args:
          style: a name, or weights by name, which need not add up to 1.
          strength: from 0, the photo, to 1; up to 2 exaggerates.

        Raises:
          JaxnstError: the model does not know the style, or no strength but 1.
        """
        if not isinstance(style, str | Mapping):
            raise JaxnstError(
                f"style is {style!r}: give a name, or weights by name for a blend, such as "
                "{'starry_night': 0.7, 'udnie': 0.3}"
            )
        weights = {style: 1.0} if isinstance(style, str) else style
        for name, weight in weights.items():
            check_choice("style", name, self.styles)
            check_number(f"weight of style {name!r}", weight)
        total = sum(weights.values())
        if not total:
            raise JaxnstError("the weights of all styles are 0: give one that is not")
        blended = sum(w / total * self.conditions[self.rows.index(n)] for n, w in weights.items())
        check_number("strength", strength, high=2)
        if strength == 1:
            return np.asarray(blended, np.float32)
        if PHOTO not in self.rows:
            raise JaxnstError(f"this model has no strength but 1, not {strength}")
        photo = self.conditions[self.rows.index(PHOTO)]
        return np.asarray(photo + strength * (blended - photo), np.float32)


def with_styles(model: Model, names: Sequence[str]) -> Model:
    """A model with some of its styles, in the order given; what is between photo and style stays.

    Raises:
      JaxnstError: it has no such style.
    """
    for name in names:
        check_choice("style", name, model.styles)
    kept = [*([PHOTO] if PHOTO in model.rows else []), *dict.fromkeys(names)]
    at = [model.rows.index(name) for name in kept]
    held_out = model.card.get("held_out", {})
    card = {
        **model.card,
        "styles": [model.card["styles"][i] for i in at],
        "held_out": {name: held_out[name] for name in kept if name in held_out},
    }
    return dataclasses.replace(model, conditions=model.conditions[at], card=card)


def save_model(path: PathLike, model: Model, *, bits: Literal[16, 8] = 16) -> None:
    """Writes a model, whole or not at all; its card gets the hash of the arrays.

    Args:
      path: a .safetensors file.
      model: what to write.
      bits: of a number; with 8 the file is half as large.

    Raises:
      JaxnstError: the file cannot be written.
    """
    arrays = {"/".join(p): a for p, a in flatten_dict(dict(model.kernels)).items()}
    if bits == 8:
        arrays = codes.encode({**arrays, **_split(model.network, model.conditions)})
    else:
        arrays["conditions"] = model.conditions
    arrays = {
        name: np.ascontiguousarray(array, None if array.dtype == np.int8 else np.float16)
        for name, array in arrays.items()
    }
    card = {**model.card, "sha256": _digest(arrays)}
    # In one entry, since the order of several in the file would be random.
    metadata = {"card": json.dumps({"format": _FORMATS[bits], **card})}
    with atomic_write(path) as temporary:
        temporary.write_bytes(dump_arrays(arrays, metadata))


def load_model(name_or_path: PathLike) -> Model:
    """A model that ships, by name, or one from a file.

    Raises:
      JaxnstError: there is no such model, or it is not what its card says.
    """
    name = display_name(name_or_path)
    path = Path(name_or_path)
    if path.suffix != SUFFIX:
        if str(name_or_path) not in model_names():
            raise JaxnstError(
                f"model {name!r} is unknown: {nearest(name, model_names())}, "
                f"or give a {SUFFIX} file"
            )
        path = _ASSETS / f"{name_or_path}{SUFFIX}"
    with open_binary(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise JaxnstError(f"{name}: is larger than any model")
    if path.parent == _ASSETS and SHIPPED.get(path.stem) != hashlib.sha256(data).hexdigest():
        raise JaxnstError(f"{name}: is not the file that ships: install jaxnst anew")
    try:
        card = read_card(data)
        arrays = load_arrays(data)
    except (SafetensorError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise JaxnstError(f"{name}: not a model of jaxnst ({one_line(error)})") from error
    if card.get("sha256") != _digest(arrays):
        raise JaxnstError(f"{name}: its arrays are not those of its card: get the file anew")
    return _assembled(name, card, arrays)


def read_card(data: bytes) -> dict[str, Any]:
    """The card in a model file's bytes.

    Raises:
      ValueError: there is none.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length].decode())
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    card = json.loads(metadata.get("card", "{}"))
    if not isinstance(card, dict) or card.pop("format", None) not in _FORMATS.values():
        raise ValueError("no card that this version can read")
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


def model_names() -> tuple[str, ...]:
    """The models that ship."""
    return tuple(SHIPPED)


def network_of(card: Mapping[str, Any]) -> Network | UpscaleNetwork:
    """The network that a card describes.

    Raises:
      KeyError, TypeError, JaxnstError: there is no such network.
    """
    settings = dict(card["network"])
    check_number("width", settings["width"], low=1, high=512)
    check_number("blocks", settings["blocks"], high=64)
    return KINDS[settings.pop("name")](**settings)


def describe_network(network: Network | UpscaleNetwork) -> dict[str, Any]:
    """What a card says of a network: its name, and what it is set to."""
    name = next(name for name, kind in KINDS.items() if type(network) is kind)
    settings = {"name": name, "width": network.width, "blocks": network.blocks}
    return settings | ({"scale": network.scale} if isinstance(network, UpscaleNetwork) else {})


def check_kernels(network: Network | UpscaleNetwork, kernels: Mapping[str, Any]) -> None:
    """Raises JaxnstError unless the kernels have the names and shapes that the network wants."""
    wanted = jax.eval_shape(network.init, jax.random.key(0), *network.example())["params"]
    shapes = {path: leaf.shape for path, leaf in flatten_dict(wanted).items()}
    given = {path: np.shape(leaf) for path, leaf in flatten_dict(dict(kernels)).items()}
    for path in shapes | given:
        if shapes.get(path) != given.get(path):
            raise JaxnstError(
                f"{'/'.join(path)} has the shape {given.get(path)}, not {shapes.get(path)}"
            )


def _assembled(name: str, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
    """The model of a card and arrays, in float32, after a look at their shapes."""
    try:
        full = codes.decode(arrays)
        network = network_of(card)
        rows: Sequence[Any] = [style["name"] for style in card["styles"]]
        conditions = _joined(network, full)
        kernels = unflatten_dict({tuple(key.split("/")): array for key, array in full.items()})
        check_kernels(network, kernels)
    except (LookupError, TypeError, ValueError, AttributeError, JaxnstError) as error:
        raise JaxnstError(f"{name}: not a model of this version ({one_line(error)})") from error
    if conditions.shape != (len(rows), network.condition_size):
        raise JaxnstError(
            f"{name}: has conditions of shape {list(conditions.shape)} for {len(rows)} styles of "
            f"{network.condition_size} numbers"
        )
    return Model(network, kernels, conditions, card)


def _split(network: Network | UpscaleNetwork, conditions: np.ndarray) -> dict[str, np.ndarray]:
    """Conditions [S, K] by their parts, those that are matrices as [S, side, side]."""
    if not isinstance(network, Network):
        return {"conditions": conditions}
    split = np.split(conditions, network.part_ends, axis=1)
    return {
        _CONDITIONS + name: rows.reshape(-1, part.side, part.side) if part.side else rows
        for (name, part), rows in zip(network.condition_parts.items(), split, strict=True)
    }


def _joined(network: Network | UpscaleNetwork, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Conditions [S, K], whole or of their parts, which are taken out of the arrays."""
    if "conditions" in arrays or not isinstance(network, Network):
        return arrays.pop("conditions")
    rows = [
        arrays.pop(_CONDITIONS + name).reshape(-1, part.size)
        for name, part in network.condition_parts.items()
    ]
    return np.concatenate(rows, axis=1)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, shapes and bytes of all arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
