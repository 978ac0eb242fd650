"""`jaxnst weights`: list, verify, convert and fetch VGG weights."""

import hashlib
import http.client
import importlib.util
import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tqdm import tqdm

from jaxnst.cli.output_checks import check_new_file
from jaxnst.cli.parsing import Json, NewFile, Source, run_subcommand
from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name, one_line
from jaxnst.io.foreign_weights import some
from jaxnst.perceptual.convert_vgg import convert_vgg
from jaxnst.perceptual.vgg_layers import NETS
from jaxnst.perceptual.weights import WeightFile, list_weights, save_weights
from jaxnst.perceptual.weights import verify as verify_weights

# The files of keras-applications, and the MD5 that it publishes for them.
PUBLISHED_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/"
    "{net}/{net}_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
PUBLISHED_MD5 = {
    "vgg16": "6d6bbae143d832006294945121d1f1fc",
    "vgg19": "253f8cb515780f3b799900260a226db6",
}
ATTRIBUTION = {
    "attribution": "K. Simonyan and A. Zisserman, Visual Geometry Group, University of Oxford",
    "licence": "CC BY 4.0",
}

_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 16  # bytes

Convention = Annotated[
    Literal["auto", "caffe", "torchvision"],
    tyro.conf.arg(
        help="What the weights want of their input: caffe (BGR, 0..255, mean subtracted; also "
        "Keras) or torchvision (RGB, 0..1, normalized); auto reads it off the file where it can."
    ),
]
Files = Annotated[
    tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[vgg16|vgg19|FILE ...]")
]
Dtype = Annotated[
    Literal["float16", "float32"],
    tyro.conf.arg(
        help="Type of the kernels; float16 halves the file, and features move by under 0.1 %."
    ),
]


def main(argv: Sequence[str]) -> int:
    """Runs one subcommand; 0 if all is well, 2 if a file was refused."""
    commands: dict[str, Callable[..., int]] = {
        "list": list_,
        "verify": verify,
        "convert": convert,
        "fetch": fetch,
    }
    return run_subcommand(
        commands, argv, "jaxnst weights", "VGG weights: what is bundled, and how to use others."
    )


def list_(json: Json = False) -> int:
    """List the bundled weights."""
    return _report(list_weights(), json, details=True)


def verify(files: Files = NETS, json: Json = False) -> int:
    """Check weight files: hash (bundled ones), names, shapes and values.

    Args:
      files: vgg16, vgg19, or paths of weight files.
    """
    return _report(verify_weights(files), json)


def convert(
    source: Source,
    out: NewFile,
    convention: Convention = "auto",
    dtype: Dtype = "float32",
) -> int:
    """Convert the VGG-16 or VGG-19 of Keras, ONNX or PyTorch.

    Args:
      source: A Keras .h5, an .onnx, or a PyTorch state dict (.pth, .pt, .safetensors).
    """
    check_new_file(out, "weights", source)
    params, metadata = convert_vgg(source, convention=None if convention == "auto" else convention)
    save_weights(out, params, metadata, kernel_dtype=dtype)
    print(f"{display_name(out)}: {metadata['net']}, {_size(out.stat().st_size)}, {dtype}")
    print(f"convention: {metadata['convention']} ({_certainty(metadata)})")
    if metadata["left_out"]:
        print(f"left out: {some(metadata['left_out'].split(', '))}")
    return 0


def fetch(
    net: tyro.conf.Positional[Literal["vgg16", "vgg19"]], out: NewFile, dtype: Dtype = "float32"
) -> int:
    """Download the weights that keras-applications publishes, check and convert them.

    Args:
      net: Which of the two nets.
    """
    check_new_file(out, "weights")
    if importlib.util.find_spec("h5py") is None:  # said before the download
        raise JaxnstError("fetch needs h5py: pip install 'jaxnst[convert]'")
    url = PUBLISHED_URL.format(net=net)
    with tempfile.TemporaryDirectory(prefix="jaxnst-") as folder:
        path = Path(folder) / f"{net}.h5"
        md5 = _download(url, path)
        if md5 != PUBLISHED_MD5[net]:
            raise JaxnstError(
                f"{url}: has MD5 {md5}, published is {PUBLISHED_MD5[net]}: nothing kept; try again"
            )
        params, metadata = convert_vgg(path, convention="caffe")
    save_weights(out, params, metadata | {"source": url} | ATTRIBUTION, kernel_dtype=dtype)
    print(f"{display_name(out)}: {net}, {_size(out.stat().st_size)}, {dtype}; MD5 as published")
    return 0


def _download(url: str, path: Path) -> str:
    """Downloads a file with a progress bar and returns its MD5."""
    digest = hashlib.md5(usedforsecurity=False)  # all that is published
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response, path.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0) or None
            with tqdm(total=total, unit="B", unit_scale=True, desc=path.stem) as bar:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    bar.update(len(chunk))
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        cause = one_line(cause) if isinstance(cause, BaseException) else cause
        raise JaxnstError(
            f"{url}: cannot be downloaded ({cause}): check the connection, or get "
            "the file elsewhere and use `jaxnst weights convert`"
        ) from error
    return digest.hexdigest()


def _report(files: Sequence[WeightFile], as_json: bool, *, details: bool = False) -> int:
    """Prints a line or JSON for each file; returns 2 if any was refused."""
    if as_json:
        print(json.dumps([asdict(file) for file in files], indent=2))
    for file in files:
        if file.problem:
            print(f"jaxnst: error: {file.problem}", file=sys.stderr)
        elif not as_json:
            print(f"{file.name}: ok, {_size(file.size)}, sha256 {file.sha256}")
            for key, value in file.metadata.items() if details else ():
                print(f"  {display_name(key) + ':':<14} {display_name(value)}")
    return 2 if any(file.problem for file in files) else 0


def _certainty(metadata: dict[str, str]) -> str:
    """How the convention was determined, and what to do if it is wrong."""
    if metadata["convention_from"] != "assumption":
        return {
            "argument": "as you said",
            "published file": "known by the file's hash",
            "layer names": "by the names of the layers",
        }[metadata["convention_from"]]
    return "assumed: if the weights want BGR in 0..255, convert with --convention caffe"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
