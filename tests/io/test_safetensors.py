"""Headers of safetensors files: read back, and refused in one way whatever is wrong with them."""

import json

import numpy as np
import pytest
import safetensors.numpy

from jaxnst.io.safetensors import read_header


def file_with(metadata: dict[str, str] | None) -> bytes:
    return safetensors.numpy.save({"array": np.arange(3, dtype=np.float32)}, metadata)


def raw(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header


def test_header_is_read_without_the_arrays():
    card = {"name": "wave", "styles": [1, 2]}
    data = file_with({"card": json.dumps(card)})
    assert read_header(data, "card") == card
    assert read_header(data[:-12], "card") == card


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 40,
        raw(b"[]"),
        raw(b"{}"),
        raw(b'{"__metadata__": 3}'),
        raw(b'{"__metadata__": {"card": 3}}'),
        raw(b"[" * 100_000),
        file_with(None),
        file_with({"other": "{}"}),
        file_with({"card": "{"}),
        file_with({"card": "[]"}),
        file_with({"card": "[" * 100_000}),
    ],
)
def test_file_without_the_object_is_a_value_error(data):
    with pytest.raises(ValueError, match="header"):
        read_header(data, "card")
