"""Files of the ArrayRecord format, as other programs write them."""

from collections.abc import Iterable
from pathlib import Path

import pytest

pytest.importorskip("array_record", reason="array_record has no wheel for this machine")

from array_record.python.array_record_module import ArrayRecordWriter


def array_record(path: Path, records: Iterable[bytes]) -> Path:
    """Writes a file."""
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()
    return path


def example(**features: bytes) -> bytes:
    """A tf.train.Example; in names a double underscore stands for a slash."""
    from tensorflow_datasets.proto import tf_example_pb2

    message = tf_example_pb2.Example()
    for name, value in features.items():
        message.features.feature[name.replace("__", "/")].bytes_list.value.append(value)
    return message.SerializeToString()
