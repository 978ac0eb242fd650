"""Where photos for training come from: a folder, ArrayRecord files, a TensorFlow dataset."""

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxnst.errors import JaxnstError
from jaxnst.io import buckets
from jaxnst.io.array_records import ArrayRecordFiles, is_array_record
from jaxnst.io.codec import MAX_PIXELS, is_usable_size, load, size_in_header
from jaxnst.io.files import display_name, one_line
from jaxnst.io.folders import is_folder, list_files, pictures_among
from jaxnst.io.formats import is_picture_suffix
from jaxnst.io.resize import MIN_SIDE
from jaxnst.ops.pixels import to_uint8

Say = Callable[[str], None]

_TRIED = 16  # records that are looked at before a run, of which one must be a picture


class Photos(Protocol):
    """Photos by number, uint8 [H, W, 3] of any size."""

    names: list[str]
    skipped: int
    """How many of them were left out, as no pictures."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...


class Folder:
    """The pictures in a folder and in the folders in it, in the order of their paths."""

    def __init__(self, folder: str, paths: Sequence[Path]) -> None:
        """Looks at the header of each of the folder's pictures."""
        with ThreadPoolExecutor() as pool:
            sizes = list(pool.map(size_in_header, paths))
        self._paths = [
            path for path, size in zip(paths, sizes, strict=True) if is_usable_size(size)
        ]
        self.names = [path.relative_to(folder).as_posix() for path in self._paths]
        self.skipped = len(paths) - len(self._paths)
        if not self._paths:
            raise JaxnstError(
                f"{display_name(folder)}: none of its pictures has a size that can be used: "
                f"{MIN_SIDE}x{MIN_SIDE} pixels to {MAX_PIXELS / 1e6:g} megapixels"
                if any(sizes)
                else f"{display_name(folder)}: none of its pictures can be read"
            )

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return to_uint8(load(self._paths[index]).rgb)


class ArrayRecords:
    """The pictures in ArrayRecord files."""

    skipped = 0

    def __init__(self, source: str, paths: Sequence[Path], *, say: Say) -> None:
        """Opens the files, which are `source` to the user, and looks for a picture in them."""
        self._records = ArrayRecordFiles(paths, say=say)
        self.names = self._records.names
        self._check(display_name(source))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        record = self._records[index]
        try:
            return to_uint8(load(io.BytesIO(record)).rgb)
        except JaxnstError as error:
            name = display_name(self.names[index])
            raise JaxnstError(str(error).replace("<stream>", name)) from error

    def _check(self, source: str) -> None:
        """Raises JaxnstError unless one of the first records is a picture."""
        complaints, tried = list[str](), range(min(_TRIED, len(self)))
        for index in tried:
            try:
                self[index]
                return
            except JaxnstError as error:
                complaints.append(str(error))
        if not complaints:
            raise JaxnstError(f"{source}: there are no records in it; give one with pictures")
        among = f"none of the first {len(tried)} of {len(self)} records is a picture"
        raise JaxnstError(f"{source}: {among}: {complaints[0]}")


def open_folder(folder: str, *, say: Say) -> Photos:
    """What is in a folder and in the folders in it: pictures or ArrayRecord files.

    Raises:
      JaxnstError: there are none that can be used, or both.
    """
    files = list_files(folder, recursive=True)
    records = [path for path in files if is_array_record(path)]
    if not records:
        return Folder(folder, pictures_among(files, folder))
    if any(is_picture_suffix(path.suffix) for path in files):
        name = display_name(folder)
        raise JaxnstError(
            f"{name}: has pictures and ArrayRecord files: move one kind elsewhere, or name the "
            f"files, as in --data '{name.rstrip('/')}/*.array_record*'"
        )
    return ArrayRecords(folder, records, say=say)


def open_tfds(name: str, folder: str, *, say: Say) -> Photos:
    """The split "train" of a dataset of TensorFlow Datasets; the folder of them may be in a bucket.

    Raises:
      JaxnstError: there is no such dataset, or it is not in ArrayRecord files, or has no pictures.
    """
    try:
        builder = _tfds_builder(name, folder)
        paths = [Path(os.fspath(path)) for path in builder.info.splits["train"].filepaths]
    except Exception as error:  # its hundreds of builders raise nearly anything
        raise JaxnstError(
            f"tfds:{name}: cannot be opened ({one_line(error)}); prepare it with "
            f"`tfds build {name} --file_format=array_record`, or name its folder with --tfds-dir"
        ) from error
    return ArrayRecords(f"tfds:{name}", paths, say=say)


def _tfds_builder(name: str, folder: str) -> Any:
    """What TensorFlow Datasets knows of a dataset; one that is not there yet it tries to prepare,
    but not in a bucket."""
    import tensorflow_datasets as tfds  # slow to import
    from tensorflow_datasets.core.read_only_builder import builder_from_files

    in_bucket = buckets.in_bucket(folder)
    if in_bucket and not is_folder(folder):
        raise JaxnstError(f"there is no folder {display_name(folder)} that can be read")
    where = {"data_dir": buckets.as_given(folder) or None, "file_format": "array_record"}
    try:
        return builder_from_files(name, **where)  # no code of the dataset's: it may need TensorFlow
    except tfds.core.DatasetNotFoundError:
        if in_bucket:
            raise
    builder = tfds.builder(name, **where)
    builder.download_and_prepare()
    return builder
