"""Our training step against that of pytorch/examples in plain torch float32: images per second.

    python benchmarks/training.py --data DIR [--batch 4] [--rounds 5]

DIR holds photos/ and styles/starry_night_full.jpg. Both train Johnson's network, 32 channels wide,
at 256 px with Adam, content relu2_2, style relu1_2, 2_2, 3_3 and 4_3, on the same VGG-16 weights
and the same photos. Torch's step is theirs: features of painting and photo up to relu4_3. Ours
computes no more of the photo's than the content loss compares. They take turns, one step each, so
that a busy machine is as busy for both; a fixed matrix product beside them tells how busy.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import optax
import torch
import torch.nn.functional as F  # noqa: N812
from _torch_johnson import TransformerNet

from jaxnst.io.codec import list_images, load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.networks.johnson import Johnson
from jaxnst.perceptual import vgg
from jaxnst.perceptual.losses import LossOptions
from jaxnst.perceptual.weights import load_vgg
from jaxnst.training.step import create_train_state, make_train_step, replicate
from jaxnst.training.style_task import StyleOptions, StyleTask

SIDE = 256  # pixels
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
LEARNING_RATE = 1e-3
CONTENT_WEIGHT, STYLE_WEIGHT = 1e5, 1e10  # theirs
LOSS = LossOptions(
    content_weight=1.0,
    style_weight=5.0,
    content_layers=("relu2_2",),
    style_layers=LAYERS,
    formula="johnson",
    border="zero",
)


class TorchStep:
    """The inner loop of pytorch/examples' neural_style.py; VGG's weights are ours."""

    def __init__(self, params: vgg.Params, painting: np.ndarray, photos: np.ndarray) -> None:
        """Takes the painting [H, W, 3] in [0, 1] and a batch uint8 [N, H, W, 3]."""
        self._weights = {
            name: (_nchw(layer["kernel"], (3, 2, 0, 1)), torch.tensor(np.asarray(layer["bias"])))
            for name, layer in params.items()
            if name.startswith("conv")
        }
        self._mean = torch.tensor(np.asarray(params["mean"])).reshape(1, 3, 1, 1)
        self._photos = _nchw(photos.astype(np.float32), (0, 3, 1, 2))
        self._net = TransformerNet()
        self._optimizer = torch.optim.Adam(self._net.parameters(), LEARNING_RATE)
        with torch.no_grad():
            features = self._features(255 * _nchw(painting[None], (0, 3, 1, 2)))
        self._grams = [_gram(f).expand(len(photos), -1, -1) for f in features.values()]

    def __call__(self) -> None:
        """One step."""
        self._optimizer.zero_grad()
        painting = self._net(self._photos)
        features, wanted = self._features(painting), self._features(self._photos)
        loss = CONTENT_WEIGHT * F.mse_loss(features["relu2_2"], wanted["relu2_2"])
        for feature, gram in zip(features.values(), self._grams, strict=True):
            loss = loss + STYLE_WEIGHT * F.mse_loss(_gram(feature), gram)
        loss.backward()
        self._optimizer.step()

    def _features(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The layers that are compared, of an image in 0..255."""
        found, x = {}, image / 255 - self._mean
        for name in vgg.computed_layers("vgg16", LAYERS):
            if name.startswith("conv"):
                x = F.conv2d(x, *self._weights[name], padding=1)
            else:
                x = F.relu(x) if name.startswith("relu") else F.max_pool2d(x, 2)
            if name in LAYERS:
                found[name] = x
        return found


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=4, help="photos in a step")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each that are timed")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    params = load_vgg("vgg16")
    photos = np.stack([_square(p) for p in list_images(args.data / "photos")[: args.batch]])
    painting = load(args.data / "styles" / "starry_night_full.jpg").rgb
    painting = resize(painting, fit_long_side(painting.shape[:2], 2 * SIDE))
    jobs: dict[str, Callable[[], None]] = {
        "torch": TorchStep(params, painting, photos),
        "jaxnst": our_step(params, painting, photos),
        "matrix product": reference(),
    }
    report(take_turns(jobs, args.rounds), args.batch)


def our_step(params: vgg.Params, painting: np.ndarray, photos: np.ndarray) -> Callable[[], None]:
    """`jaxnst train`'s step on one device."""
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


def reference() -> Callable[[], None]:
    """A product of matrices in NumPy, 17 GFLOP, that is the same on every run."""
    matrix = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)

    def run() -> None:
        matrix @ matrix

    return run


def take_turns(jobs: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each run of each job, after one that is not timed."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def report(seconds: dict[str, list[float]], batch: int) -> None:
    """Prints medians, and the ratio of torch's time to ours."""
    medians = {name: float(np.median(runs)) for name, runs in seconds.items()}
    for name in ("torch", "jaxnst"):
        per_image = medians[name] / batch
        print(f"{name}: {per_image:.2f} s per image, {1 / per_image:.2f} images/s (batch {batch})")
    print(f"images/s, jaxnst / torch: {medians['torch'] / medians['jaxnst']:.2f}")
    print(f"reference, a matrix product in NumPy: {medians['matrix product']:.3f} s")


def _square(path: Path) -> np.ndarray:
    """uint8 [SIDE, SIDE, 3]; that it is stretched does not matter here."""
    return (255 * resize(load(path).rgb, (SIDE, SIDE)) + 0.5).astype(np.uint8)


def _nchw(array: object, order: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(np.asarray(array).transpose(order)))


def _gram(features: torch.Tensor) -> torch.Tensor:
    n, c, h, w = features.shape
    flat = features.view(n, c, h * w)
    return flat.bmm(flat.transpose(1, 2)) / (c * h * w)


if __name__ == "__main__":
    main()
