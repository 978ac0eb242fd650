"""Files of Google's ArrayRecord format, in which TensorFlow Datasets and Grain keep examples.

A record is the bytes of a picture file, or a `tf.train.Example` with them among its features.
"""

import glob
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxnst.errors import JaxnstError
from jaxnst.io import buckets
from jaxnst.io.copies import local_copies
from jaxnst.io.files import PathLike, display_name, one_line, open_binary

_NAME = re.compile(r".*\.array_?record([-*][^.]*)?", re.DOTALL)  # -00000-of-00010 may follow
_IMAGE_FEATURES = ("image", "image/encoded")
_EXAMPLE = b"\n"  # what an Example begins with, and no picture does
_NEEDED = (
    "ArrayRecord files need array_record, which is not installed: pip install array_record, on "
    "Linux or a Mac with Apple silicon"
)


def is_array_record(path: PathLike) -> bool:
    """Whether a path is by its name that of an ArrayRecord file, or a pattern of such names."""
    return _NAME.fullmatch(Path(path).name) is not None


def list_matching(pattern: str) -> list[Path]:
    """The files that match a pattern with * and ?, sorted, without hidden ones; or the file that
    has this name.

    Raises:
      JaxnstError: there is none, or they cannot be listed.
    """
    if not glob.has_magic(pattern) or os.path.exists(pattern):
        return [Path(pattern)]
    try:
        in_bucket = buckets.in_bucket(pattern)
        found = buckets.list_matching(pattern) if in_bucket else map(Path, glob.glob(pattern))
        paths = sorted(path for path in found if path.name[0] != ".")
    except OSError as error:
        name = display_name(pattern)
        raise JaxnstError(f"{name}: cannot be listed ({one_line(error)})") from error
    if not paths:
        raise JaxnstError(f"{display_name(pattern)}: there are no such files; check the pattern")
    return paths


class _Part(NamedTuple):
    """The records of a file that are read, as array_record wants to be told."""

    filename: str
    skip: int
    take: int
    examples_in_shard: int


class ArrayRecordFiles:
    """The records of some files, one file after the other; any number of threads may read.

    Attributes:
      names: of the records, NAME[0], NAME[1], ... with the name of the file.
    """

    def __init__(
        self, paths: Sequence[Path], *, say: Callable[[str], None] = lambda _: None
    ) -> None:
        """Opens the files, after those in buckets were copied to the disk.

        Args:
          paths: all of them on the disk, or all of them in buckets.
          say: is told in a line that there is something to download.

        Raises:
          JaxnstError: one is no whole ArrayRecord file, or array_record is missing.
        """
        try:
            from array_record.python.array_record_data_source import ArrayRecordDataSource
        except ImportError as error:
            raise JaxnstError(_NEEDED) from error
        files = local_copies(paths, say=say) if buckets.in_bucket(paths[0]) else paths
        counts = [_count(path, file) for path, file in zip(paths, files, strict=True)]
        self.names = [
            f"{path.name}[{number}]"
            for path, count in zip(paths, counts, strict=True)
            for number in range(count)
        ]
        self._records = ArrayRecordDataSource(
            [_Part(str(file), 0, count, count) for file, count in zip(files, counts, strict=True)]
        )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> bytes:
        """The picture file in a record.

        Raises:
          JaxnstError: the record is damaged, or an example without a picture.
        """
        name = display_name(self.names[index])
        try:
            record = self._records[index]
            return _image_of_example(record) if record.startswith(_EXAMPLE) else record
        except Exception as error:  # array_record and protobuf have errors of their own
            raise JaxnstError(f"{name}: no record with a picture ({one_line(error)})") from error


def _count(path: Path, file: Path) -> int:
    """How many records a file has; `path` is what it is called in errors.

    Raises:
      JaxnstError: there is no such file, or it is no whole ArrayRecord file.
    """
    if file == path:  # a copy was just made
        with open_binary(path):
            pass
    from array_record.python.array_record_module import ArrayRecordReader

    reader: Any = ArrayRecordReader(str(file))
    try:
        count = reader.num_records()
        reader.close()  # which raises what went wrong before, where the count is 0
    except Exception as error:
        raise JaxnstError(
            f"{display_name(path)}: not a whole ArrayRecord file ({one_line(error)}); write it "
            f"anew, and close the writer at the end"
        ) from error
    return count


def _image_of_example(record: bytes) -> bytes:
    """What an Example has as its image."""
    from tensorflow_datasets.proto import tf_example_pb2  # slow to import

    features = tf_example_pb2.Example.FromString(record).features.feature
    for name in _IMAGE_FEATURES:
        if name in features and features[name].bytes_list.value:
            return features[name].bytes_list.value[0]
    raise ValueError(f"an example with {', '.join(sorted(features))}, but no image")
