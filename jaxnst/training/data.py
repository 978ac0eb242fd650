"""Photos for training, shuffled, augmented and in batches; where they come from is in `photos`.

A batch is {"image": uint8 [N, S, S, 3], "seed": uint32 [N]}; the seed is for what a task draws at
random for a sample. The stream of batches never ends. What is in it follows from options and seed
alone: it is the same, sample by sample, for any number of hosts, and its state is a small dict.
"""

import dataclasses
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from jaxnst.errors import JaxnstError, check_number
from jaxnst.io.array_records import list_matching
from jaxnst.io.files import display_name, open_binary
from jaxnst.training.photos import ArrayRecords, Photos, open_folder, open_tfds

Batch = dict[str, np.ndarray]

_THREADS = 8  # and batches prepared ahead, of which Grain's own 500 would be gigabytes
_ENDLESS = 10**9  # epochs; without a number the length would overflow in batches of one


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Where the photos come from, and how they become samples."""

    source: str = ""
    """A folder, with all that is in it (folder:PATH), ArrayRecord files (records:PATH, in which *
    and ? may stand for several), or tfds:NAME, such as tfds:coco/2017."""
    crop: int = 256
    """Side of the squares that are trained on, in pixels."""
    batch: int = 4
    """Samples in a batch, over all devices of all hosts."""
    smallest: float = 0.6
    """Least side of the square that is cut out at random and scaled to --crop, relative to the
    photo's short side; the greatest is 1."""
    flip: bool = True
    """Mirror every other sample."""
    held_out: int = 16
    """Photos that are not trained on, but measured on in the end; at most a tenth of all."""
    held_out_list: str = ""
    """Hold out the photos named in this file instead, one a line."""
    resident: bool = False
    """Keep all photos on the devices, decoded once, and draw the batches there: for accelerators,
    which would wait for batches from the host. Each device needs room for all of them."""
    workers: int = 0
    """Processes that prepare batches; 0: threads do."""
    tfds_dir: str = ""
    """Folder with the tfds: datasets, which may be in a bucket; none: where TensorFlow Datasets
    keeps them."""

    def __post_init__(self) -> None:
        check_number("crop", self.crop, low=64, high=4096)
        check_number("batch", self.batch, low=1, high=65_536)
        check_number("smallest", self.smallest, low=0.05, high=1)
        check_number("held_out", self.held_out)
        check_number("workers", self.workers, high=256)


class Subset:
    """Some of the photos; in place of one that cannot be decoded stands the next one."""

    def __init__(self, photos: Photos, indices: Sequence[int]) -> None:
        self._photos, self._indices = photos, list(indices)
        self.broken: set[str] = set()
        """Names of those that could not be decoded, as far as this process has seen."""

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> np.ndarray:
        for step in range(len(self)):
            number = self._indices[(index + step) % len(self)]
            try:
                return self._photos[number]
            except JaxnstError:
                self.broken.add(self._photos.names[number])
        raise JaxnstError(f"none of {len(self)} photos can be decoded: check the data")


class Data(NamedTuple):
    """Photos to train on and photos to measure on."""

    train: Subset
    held_out: Subset
    skipped: int
    """How many files were left out, as no pictures."""


def open_data(
    options: DataOptions, seed: int, *, say: Callable[[str], None] = lambda _: None
) -> Data:
    """Opens the source and sets photos aside.

    Args:
      options: name the source.
      seed: of what is set aside.
      say: is told in a line what may take long.

    Raises:
      JaxnstError: there is no such source, or nothing in it to train on.
    """
    kind, _, name = options.source.partition(":")
    if kind not in ("folder", "records", "tfds") or not name:
        given = f"{options.source!r} is no folder" if options.source else "there are no photos"
        raise JaxnstError(
            f"{given} to train on: give --data a folder of photos, ArrayRecord files, or tfds:NAME"
        )
    photos: Photos
    if kind == "folder":
        photos = open_folder(name, say=say)
    elif kind == "records":
        photos = ArrayRecords(name, list_matching(name), say=say)
    else:
        photos = open_tfds(name, options.tfds_dir, say=say)
    aside = _set_aside(photos.names, options, seed)
    rest = sorted(set(range(len(photos))) - set(aside))
    if not rest:
        raise JaxnstError(f"{options.source}: all of its photos are held out: give more of them")
    return Data(Subset(photos, rest), Subset(photos, aside), photos.skipped)


def batches(
    photos: Subset, options: DataOptions, *, seed: int, host: int = 0, hosts: int = 1
) -> "BatchIterator":
    """This host's share of every batch, batch / hosts samples; there is no end."""
    import grain  # slow to import
    from absl import flags

    samples = (
        grain.MapDataset.source(photos)
        .seed(seed)
        .shuffle()
        .repeat(_ENDLESS)
        .random_map(lambda photo, rng: make_sample(photo, options, rng))
    )
    ahead = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=_THREADS)
    stream = samples[host::hosts].batch(options.batch // hosts).to_iter_dataset(ahead)
    if options.workers:
        # Grain's processes read settings of absl's, which has never seen our command line.
        flags.FLAGS.mark_as_parsed()
        stream = stream.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=options.workers),
            worker_init_fn=_live_with_the_parent,
        )
    return iter(stream)


def _live_with_the_parent(worker: int, workers: int) -> None:
    """In a process that prepares batches: ends it when the run is killed, and not before.

    The run answers to signals, which may be for the whole group of processes, and closes its
    workers; killed, it can no longer do so.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class BatchIterator(Protocol):
    """What `batches` returns; the state is that behind the last batch taken."""

    def __next__(self) -> Batch: ...

    def get_state(self) -> dict[str, Any]: ...

    def set_state(self, state: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


def make_sample(photo: np.ndarray, options: DataOptions, rng: np.random.Generator) -> Batch:
    """A random square of a photo [H, W, 3], scaled to [crop, crop, 3], with a seed of its own."""
    height, width = photo.shape[:2]
    short = min(height, width)
    # Never enlarged, as far as the photo goes: there would be nothing sharp to learn from.
    side = max(short * rng.uniform(options.smallest, 1), min(short, options.crop))
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    flip, seed = rng.random() < 0.5, rng.integers(2**32, dtype=np.uint32)
    square = square_cut(photo, (left, top, side), options.crop)
    return {"image": square[:, ::-1] if options.flip and flip else square, "seed": np.asarray(seed)}


def held_out_batches(photos: Subset, options: DataOptions) -> Iterator[Batch]:
    """The middles of the photos, one by one, with seeds 0, 1, ..."""
    for i in range(len(photos)):
        square = middle_square(photos[i], options.crop)
        yield {"image": square[None], "seed": np.array([i], np.uint32)}


def middle_square(photo: np.ndarray, side: int) -> np.ndarray:
    """The largest square in the middle of a photo [H, W, 3], as [side, side, 3]."""
    height, width = photo.shape[:2]
    extent = min(height, width)
    return square_cut(photo, ((width - extent) / 2, (height - extent) / 2, extent), side)


def square_cut(photo: np.ndarray, square: tuple[float, float, float], side: int) -> np.ndarray:
    """The square (left, top, side) of a photo, antialiased bicubic at another size."""
    left, top, extent = square
    box = (left, top, left + extent, top + extent)
    cut = Image.fromarray(photo).resize((side, side), Image.Resampling.BICUBIC, box=box)
    return np.asarray(cut)


def _set_aside(names: Sequence[str], options: DataOptions, seed: int) -> list[int]:
    """Numbers of the photos to hold out."""
    if not options.held_out_list:
        count = min(options.held_out, len(names) // 10)
        return sorted(random.Random(seed).sample(range(len(names)), count))
    with open_binary(options.held_out_list) as file:
        lines = file.read().decode(errors="replace").splitlines()
    wanted = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    missing = wanted - {Path(name).name for name in names}
    if missing:
        raise JaxnstError(
            f"{display_name(options.held_out_list)}: {min(missing)!r} is not among the photos"
        )
    return [i for i, name in enumerate(names) if Path(name).name in wanted]
