"""VGG weight files: the two that ship with the package, and those a user has converted.

A weight file is in the safetensors format, which can hold arrays but no code. Its arrays are named
as in the parameters, "conv1_1/kernel" [3, 3, C_in, C_out], "conv1_1/bias" [C_out], ..., "mean" [3],
and its metadata tells which net they are, what they were made from, and under which license.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, display_name, one_line, open_binary
from jaxnst.io.foreign_weights import some
from jaxnst.io.safetensors import flat, nested, read_header
from jaxnst.perceptual.vgg_layers import NETS, conv_shapes

FORMAT = 1
SUFFIX = ".safetensors"
KERNEL_DTYPES = ("float16", "float32")

# The bundled files: net -> SHA-256, as printed by tools/make_vgg_weights.py.
BUNDLED = {
    "vgg16": "1874f709d19b9bba7d7e6089c45ee30fd4a5f5cfacf91e773d73f13b4dc3b9ea",
    "vgg19": "6729976788533175544202ae4b2e3e0956a83633fd70127badf5cf9539a2a40f",
}

_METADATA_KEY = "jaxnst"

Source = str | os.PathLike[str]


@dataclass(frozen=True)
class WeightFile:
    """What is known of a weight file.

    Attributes:
      name: "vgg16" or "vgg19" for a bundled file, else its path.
      problem: why `load_vgg` refuses the file, in one line; empty if it does not.
      size: in bytes; 0 if the file cannot be read.
      sha256: of the whole file, in hexadecimal.
      metadata: net, convention, source, license and whatever else the file says of itself.
    """

    name: str
    problem: str = ""
    size: int = 0
    sha256: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def load_vgg(net_or_path: Source = "vgg16", *, dtype: Any = jnp.float32) -> dict[str, Any]:
    """Parameters of a bundled net, or of a file written by `jaxnst weights convert`.

    The bundled kernels are stored in float16, which moves a feature by less than 0.1 %.

    Args:
      net_or_path: "vgg16", "vgg19", or the path of a converted .safetensors file.
      dtype: floating-point type of all returned arrays.

    Returns:
      {"mean": [3], "conv1_1": {"kernel": [3, 3, 3, 64], "bias": [64]}, ...}

    Raises:
      JaxnstError: no such net or file, a bundled file whose SHA-256 is not the recorded one, a file
        that is damaged or not a weight file, an array missing, left over or of another shape, or a
        dtype that is not floating-point.
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        raise JaxnstError(f"dtype {np.dtype(dtype).name} is not a floating-point type")
    arrays, _ = _parse(_read(net_or_path), net_or_path)
    params = {key: jnp.asarray(array, dtype) for key, array in arrays.items()}
    return nested(params)


def save_weights(
    path: Source,
    params: Mapping[str, Any],
    metadata: Mapping[str, str],
    *,
    kernel_dtype: str = "float32",
) -> None:
    """Writes parameters to a file that `load_vgg` reads: whole, or not at all.

    Args:
      path: ends in ".safetensors".
      params: as returned by `load_vgg`; NumPy arrays will do.
      metadata: "net" ("vgg16" or "vgg19") and anything worth knowing, such as source and license.
      kernel_dtype: "float32" or "float16"; biases and mean are always float32.

    Raises:
      JaxnstError: the path has another suffix or cannot be written, the type is another one, the
        parameters are not those of the net, or a kernel overflows float16.
    """
    name = display_name(path)
    if Path(path).suffix.lower() != SUFFIX:
        raise JaxnstError(f"{name}: weights are written as {SUFFIX}; give a name that ends so")
    if kernel_dtype not in KERNEL_DTYPES:
        raise JaxnstError(f"kernel_dtype {kernel_dtype!r}: use {' or '.join(KERNEL_DTYPES)}")
    # safetensors writes memory as it lies, so a transposed view would come back scrambled.
    arrays = {key: np.asarray(array, np.float32, order="C") for key, array in flat(params)}
    check_arrays(arrays, metadata["net"], name)
    for key in arrays:
        if key.endswith("/kernel"):
            arrays[key] = _rounded(arrays[key], kernel_dtype, f"{name}: {key}")
    text = json.dumps({**metadata, "format": str(FORMAT)}, sort_keys=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(arrays, {_METADATA_KEY: text}))


def list_weights() -> list[WeightFile]:
    """The bundled weight files, checked."""
    return verify(NETS)


def verify(sources: Iterable[Source]) -> list[WeightFile]:
    """Checks weight files as `load_vgg` would, and reports on each instead of raising."""
    return [_inspect(source) for source in sources]


def check_arrays(arrays: Mapping[str, np.ndarray], net: str, name: str) -> None:
    """Refuses arrays that are not exactly the parameters of a net.

    Args:
      arrays: by flat name, "conv1_1/kernel".
      net: "vgg16" or "vgg19".
      name: of the file, for the message.

    Raises:
      JaxnstError: arrays are missing, left over, of another shape, or not finite.
    """
    shapes: dict[str, tuple[int, ...]] = {"mean": (3,)}
    for conv, kernel in conv_shapes(net).items():
        shapes |= {f"{conv}/kernel": kernel, f"{conv}/bias": kernel[-1:]}
    missing = [key for key in shapes if key not in arrays]
    left_over = [key for key in arrays if key not in shapes]
    if missing or left_over:
        parts = [("missing", missing), ("left over", left_over)]
        what = "; ".join(f"{verb} {some(keys)}" for verb, keys in parts if keys)
        raise JaxnstError(f"{name}: is not a whole {net}: {what}")
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise JaxnstError(f"{name}: {key} has shape {arrays[key].shape}: {net} needs {shape}")
        if not np.isfinite(arrays[key]).all():
            raise JaxnstError(f"{name}: {key} holds values that are not finite: the file is bad")


def _inspect(source: Source) -> WeightFile:
    name, data, problem = display_name(source), b"", ""
    metadata: dict[str, str] = {}
    try:
        data = _read(source)
        _, metadata = _parse(data, source)
    except JaxnstError as error:
        problem = str(error)
    sha256 = hashlib.sha256(data).hexdigest() if data else ""
    return WeightFile(name, problem, len(data), sha256, metadata)


def _read(source: Source) -> bytes:
    """The bytes of a bundled or a user's file."""
    if source in BUNDLED:
        try:
            folder = resources.files("jaxnst") / "assets" / "weights"
            return (folder / f"{source}{SUFFIX}").read_bytes()
        except OSError as error:
            cause = one_line(error)
            raise JaxnstError(
                f"{source}: cannot be read ({cause}): install jaxnst again"
            ) from error
    if not os.path.isfile(source):
        raise JaxnstError(
            f"{display_name(source)}: there is no such net or file: "
            f"give {' or '.join(BUNDLED)}, or the path of a weight file"
        )
    with open_binary(source) as file:
        return file.read()


def _parse(data: bytes, source: Source) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of a weight file, checked: the very bytes that were hashed."""
    name = display_name(source)
    if source in BUNDLED and hashlib.sha256(data).hexdigest() != BUNDLED[str(source)]:
        raise JaxnstError(f"{name}: the bundled weights were altered: install jaxnst again")
    metadata = _header(data, name)
    try:
        arrays = safetensors.numpy.load(data)
    except (SafetensorError, KeyError) as error:  # KeyError: a type that NumPy has not
        raise JaxnstError(f"{name}: is damaged ({one_line(error)}): get it again") from error
    check_arrays(arrays, metadata["net"], name)
    return arrays, metadata


def _header(data: bytes, name: str) -> dict[str, str]:
    """The metadata of a weight file, read without its arrays."""
    try:
        header = read_header(data, _METADATA_KEY)
    except ValueError as error:
        raise JaxnstError(
            f"{name}: is not a jaxnst weight file: convert it first with `jaxnst weights convert`"
        ) from error
    metadata = {key: str(value) for key, value in header.items()}
    if metadata.get("format") != str(FORMAT) or metadata.get("net") not in NETS:
        raise JaxnstError(f"{name}: is of another jaxnst version's format: convert it again")
    return metadata


def _rounded(kernel: np.ndarray, dtype: str, name: str) -> np.ndarray:
    """A kernel in the type it is stored in."""
    with np.errstate(over="ignore"):  # said below, by name
        rounded = kernel.astype(dtype)
    if not np.isfinite(rounded).all():
        raise JaxnstError(f"{name} overflows {dtype}: store it as float32")
    return rounded
