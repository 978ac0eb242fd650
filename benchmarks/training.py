"""Training steps of both networks, images per second; beside torch where it is installed.

    python benchmarks/training.py --data DIR [--batch 4] [--rounds 5] [--out FILE.json]

DIR holds photos/ and styles/starry_night_full.jpg. Squares are of 256 px. "johnson" and "torch" are
the same step in both, that of pytorch/examples in float32: Johnson's network, 32 channels wide,
with Adam, content relu2_2, style relu1_2, 2_2, 3_3 and 4_3, on the same VGG-16 weights and the same
photos. Torch computes all features of the photo, as theirs does; ours no more than the content loss
compares. "slim" is the step of add_style, as `tools/train_gallery.py` takes it: photos stay on the
device, where squares are drawn; on an accelerator VGG's features are bfloat16, and many steps are
one call. They take turns, so that a busy machine is as busy for all; a fixed matrix product beside
them tells how busy.
"""

import argparse
import dataclasses
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import _record
import jax
import numpy as np
import optax

from jaxnst.io.codec import load
from jaxnst.io.folders import list_images
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.kinds import Johnson
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.config import load_train_config
from jaxnst.training.data import Data, Subset
from jaxnst.training.options import LoopOptions, StyleOptions
from jaxnst.training.painting import Painting
from jaxnst.training.photos import Folder
from jaxnst.training.run import (
    first_state,
    make_feed,
    make_step,
    make_task,
    reference_photos,
    steps_per_call,
)
from jaxnst.training.step import create_train_state, make_train_step, replicate
from jaxnst.training.style_task import StyleTask

SIDE = 256  # pixels
PAINTING = "starry_night_full.jpg"
LEARNING_RATE = 1e-3
LOSS = LossOptions(
    content_weight=1.0,
    style_weight=5.0,
    content_layers=("relu2_2",),
    style_layers=("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    formula="johnson",
    border="zero",
)
RESIDENT = 64  # photos on the device
REFERENCE = "matrix product"


class Job(NamedTuple):
    """What is timed."""

    run: Callable[[], object]
    images: int
    """That a run trains on."""


def main() -> None:
    """Prints images per second, and their ratios to torch's."""
    parser = _record.parser(__doc__)
    parser.add_argument("--batch", type=int, default=4, help="photos in a step")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each that are timed")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    args = parser.parse_args()
    params = load_vgg("vgg16")
    photos = np.stack([_square(p) for p in list_images(args.data / "photos")[: args.batch]])
    painting = load(args.data / "styles" / PAINTING).rgb
    painting = resize(painting, fit_long_side(painting.shape[:2], 2 * SIDE))
    jobs = {
        **torch_step(params, painting, photos, args.threads),
        "johnson": Job(johnson_step(params, painting, photos), args.batch),
        "slim": slim_step(params, args),
        REFERENCE: Job(reference(), 0),
    }
    _record.write(args.out, report(jobs, take_turns(jobs, args.rounds)))


def torch_step(
    params: vgg.Params, painting: np.ndarray, photos: np.ndarray, threads: int
) -> dict[str, Job]:
    """The step of pytorch/examples; none without torch."""
    if importlib.util.find_spec("torch") is None:
        print("torch is not installed: nothing is compared with it")
        return {}
    import torch
    from _torch_training import TorchStep

    torch.set_num_threads(threads)
    return {"torch": Job(TorchStep(params, painting, photos), len(photos))}


def johnson_step(
    params: vgg.Params, painting: np.ndarray, photos: np.ndarray
) -> Callable[[], object]:
    """The same step in jaxnst on one device."""
    task = StyleTask(Johnson(), LOSS, StyleOptions(relative_to="formula"))
    tx, devices = optax.adam(1.0), jax.local_devices()[:1]
    state = create_train_state(task.init(jax.random.key(0), None), tx)
    frozen = replicate(task.freeze(params, painting, []), devices)
    step = make_train_step(task, tx, lambda step, share: LEARNING_RATE, devices=devices)
    batch = {"image": photos[None], "seed": np.arange(len(photos), dtype=np.uint32)[None]}

    def run() -> None:
        nonlocal state
        state, metrics = step(state, frozen, batch, 0.0)
        jax.block_until_ready((state, metrics))

    return run


def slim_step(params: vgg.Params, args: argparse.Namespace) -> Job:
    """The step that styles of the slim network are trained by, as many at a time as one call has,
    on photos that stay on all devices."""
    config = load_train_config("add_style")
    is_accelerator = jax.default_backend() != "cpu"
    config = dataclasses.replace(
        config,
        painting=Painting("benchmark", PAINTING),
        data=dataclasses.replace(config.data, batch=args.batch, resident=True),
        network=dataclasses.replace(
            config.network, precision="bfloat16" if is_accelerator else "float32"
        ),
    )
    source = str(args.data / "photos")
    folder = Folder(source, list_images(source, recursive=True))
    data = Data(Subset(folder, range(min(RESIDENT, len(folder)))), Subset(folder, ()), 0)
    task, calls = make_task(config), steps_per_call(config, LoopOptions())
    assert config.painting is not None
    assert isinstance(task, StyleTask)
    painting = config.painting.load(str(args.data / "styles")).rgb
    frozen = task.freeze(params, painting, reference_photos(data, config.data.crop))
    frozen = replicate(frozen, jax.local_devices())
    state, tx = first_state(config, task)
    state, photos = replicate(state, jax.local_devices()), next(make_feed(config, data))
    step = make_step(config, task, tx, calls)

    def run() -> None:
        nonlocal state
        state, metrics = step(state, frozen, photos, 0.0)
        jax.block_until_ready((state, metrics))

    return Job(run, calls * args.batch)


def reference() -> Callable[[], object]:
    """A product of matrices in NumPy, 17 GFLOP, that is the same on every run."""
    matrix = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)
    return lambda: matrix @ matrix


def take_turns(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Median seconds of a run of each job, after one that is not timed."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job.run()
    for _ in range(rounds):
        for name, job in jobs.items():
            started = time.perf_counter()
            job.run()
            seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(runs)) for name, runs in seconds.items()}


def report(jobs: dict[str, Job], seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """Prints and returns images per second, and their ratio to torch's for the same step."""
    pace = {name: job.images / seconds[name] for name, job in jobs.items() if job.images}
    for name, value in pace.items():
        print(f"{name}: {value:.2f} images/s ({seconds[name]:.2f} s for {jobs[name].images})")
    ratios = {"johnson / torch": pace["johnson"] / pace["torch"]} if "torch" in pace else {}
    for name, ratio in ratios.items():
        print(f"images/s, {name}: {ratio:.2f}")
    print(f"reference, a matrix product in NumPy: {seconds[REFERENCE]:.3f} s")
    return {"images_per_second": pace, "ratios": ratios, "seconds": seconds}


def _square(path: Path) -> np.ndarray:
    """uint8 [SIDE, SIDE, 3]; that it is stretched does not matter here."""
    return (255 * resize(load(path).rgb, (SIDE, SIDE)) + 0.5).astype(np.uint8)


if __name__ == "__main__":
    main()
