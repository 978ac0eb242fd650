"""Networks as files for other programs, which run them without jaxnst."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from jaxnst.errors import JaxnstError
from jaxnst.io.files import PathLike, atomic_write, display_name, one_line
from jaxnst.networks.model_file import Model

ONNX, STABLEHLO = ".onnx", ".stablehlo"

Weights = Literal["float32", "float16", "int8"]
STORED: Mapping[str, tuple[str, ...]] = {
    ONNX: ("float32", "float16", "int8"),
    STABLEHLO: ("float32", "float16"),
}
"""How the numbers of a network can be stored, by the suffix of the file."""


def export_model(
    path: PathLike, model: Model, *, as_float: bool = False, weights: Weights = "float32"
) -> None:
    """Writes a network for other programs, whole or not at all.

    It maps pictures [N, H, W, 3], RGB, of any size, to paintings or to larger pictures: the same
    that `Stylizer` and `Upscaler` make.

    Args:
      path: a .onnx file, with the card in its metadata, or a .stablehlo file for `jax.export`.
      model: from `load_model`, or `Gallery.blended` for a blend or another strength.
      as_float: pictures are float32 in [0, 1] instead of uint8.
      weights: how numbers are stored, "float32", "float16" or, in ONNX, "int8"; all is computed
        in float32.

    Raises:
      JaxnstError: the file cannot be written, or the package onnx is missing.
    """
    check_export(path, weights)
    with needed_packages(path):
        if Path(path).suffix == ONNX:
            from jaxnst.networks.export_onnx import to_onnx

            data = to_onnx(model, as_float=as_float, weights=weights).SerializeToString()
        else:
            from jaxnst.networks.export_stablehlo import to_stablehlo

            data = to_stablehlo(model, as_float=as_float, weights=weights)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def check_export(path: PathLike, weights: str) -> None:
    """Raises JaxnstError unless the file can be of that kind with such weights."""
    suffix = Path(path).suffix
    if suffix not in STORED:
        raise JaxnstError(
            f"{display_name(path)}: networks are exported as {ONNX} or {STABLEHLO}; name it so"
        )
    if weights not in STORED[suffix]:
        raise JaxnstError(
            f"{display_name(path)}: {suffix} files store no {weights}: "
            f"give {' or '.join(STORED[suffix])}"
        )


@contextmanager
def needed_packages(path: PathLike) -> Iterator[None]:
    """Says how to install a package that is missing within the block."""
    try:
        yield
    except ImportError as error:
        raise JaxnstError(
            f"{display_name(path)}: {Path(path).suffix} files need "
            f"{error.name or one_line(error)}: pip install 'jaxnst[export]'"
        ) from error
