"""What a safetensors file of ours says of itself: a JSON object in its header.

The header's metadata has this one entry only: safetensors writes several in random order, and then
the same arrays would not give the same file twice.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def read_header(data: bytes, key: str) -> dict[str, Any]:
    """The JSON object that a file's metadata has under a key, read without the arrays.

    Args:
      data: the bytes of the file, of which only the header is looked at.
      key: the entry of the metadata.

    Raises:
      ValueError: the bytes are no safetensors file, or its metadata has no such object.
    """
    length = int.from_bytes(data[:8], "little")
    try:
        entry = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][key])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"the header has no JSON object {key!r}") from error
    if not isinstance(entry, dict):
        raise ValueError(f"{key!r} in the header is not a JSON object")
    return entry


def flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by their paths, "decoder/out/kernel"."""
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flat`.

    Raises:
      TypeError: a path goes on where another ends.
    """
    whole: dict[str, Any] = {}
    for path, array in arrays.items():
        *folders, name = path.split("/")
        inner = whole
        for folder in folders:
            inner = inner.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise TypeError(f"{path} goes on where another ends")
        inner[name] = array
    return whole
