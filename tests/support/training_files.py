"""Small training runs: a task, photos, a configuration, and processes that train together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from stylize_files import picture
from vgg_files import random_params

from jaxnst.networks.kinds import Compact, Network, Slim
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.vgg_layers import conv_shapes
from jaxnst.perceptual.weights import save_weights
from jaxnst.training.options import StyleOptions, UpscaleOptions
from jaxnst.training.step import create_train_state, make_train_step, replicate, share_out
from jaxnst.training.style_task import Frozen, StyleTask
from jaxnst.training.upscale_task import UpscaleTask

# Of equal values the maximum has many gradients, and an untrained network paints all alike.
LAYERS = LossOptions(
    content_layers=("relu2_1",), style_layers=("relu1_1", "relu2_1"), pooling="average"
)
STYLE = StyleOptions(repetition_weight=1.0)
STEPS, SAMPLES, CROP = 5, 8, 64


def small_vgg() -> dict:
    """VGG-16's first two blocks, with random weights that are the same in every process."""
    rng, params = np.random.default_rng(0), {"mean": jnp.full(3, 0.5)}
    for name, shape in conv_shapes("vgg16").items():
        if name < "conv3":
            kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
            bias = rng.normal(0, 0.1, shape[-1])
            params[name] = {"kernel": jnp.float32(kernel), "bias": jnp.float32(bias)}
    return params


def painting_and_photos() -> tuple[np.ndarray, list[np.ndarray]]:
    """A dark painting and two brighter photos, [48, 48, 3]."""
    painting, *photos = np.random.default_rng(1).random((3, 48, 48, 3), np.float32)
    return painting**3, photos


def small_task(
    network: Network | None = None, options: StyleOptions = STYLE
) -> tuple[StyleTask, Frozen, dict]:
    """A task, its frozen part and parameters."""
    task = StyleTask(network or Slim(8, 1), LAYERS, options)
    frozen = task.freeze(small_vgg(), *painting_and_photos())
    return task, frozen, task.init(jax.random.key(0, impl="rbg"), None)


def small_upscale_task() -> tuple[UpscaleTask, dict, dict]:
    """A task of super-resolution by pixels and features, its frozen part and parameters."""
    options = UpscaleOptions(pixel_weight=1.0, feature_weight=1.0)
    task = UpscaleTask(Compact(2, 8, 1), LAYERS, options)
    return task, task.freeze(small_vgg()), task.init(jax.random.key(0, impl="rbg"), None)


class MeanColor:
    """The least of tasks: to say a picture's mean color."""

    def loss(self, params: dict, frozen: jax.Array, batch: dict) -> tuple[jax.Array, dict]:
        colors = jnp.mean(batch["image"].astype(jnp.float32), (1, 2)) / 255
        loss = jnp.mean(frozen * jnp.square(params["color"] - colors))
        return loss, {"color": loss}


def mean_color_task() -> tuple[MeanColor, jax.Array, dict]:
    """A task that is compiled at once, its frozen part and parameters."""
    return MeanColor(), jnp.ones(3), {"color": jnp.zeros(3)}


def make_batches(count: int = STEPS, samples: int = SAMPLES) -> list[dict[str, np.ndarray]]:
    """Batches of noise."""
    rng = np.random.default_rng(2)
    return [
        {
            "image": rng.integers(0, 256, (samples, CROP, CROP, 3), np.uint8),
            "seed": rng.integers(2**32, size=samples, dtype=np.uint32),
        }
        for _ in range(count)
    ]


def sgd_or_adam() -> optax.GradientTransformation:
    """Either, as a number in its state says, so that both are compiled at once.

    Its state is (whether Adam, the gradients of the first step, Adam's state). Later gradients are
    those of other parameters. Adam's epsilon is above their rounding errors, which it would
    otherwise follow wherever a gradient is hardly more than that.
    """
    sgd, adam = optax.sgd(1.0), optax.adam(0.1, eps=1e-6)  # times the learning rate

    def init(params: Any) -> tuple:
        return jnp.zeros((), bool), jax.tree.map(jnp.zeros_like, params), adam.init(params)

    def update(gradients: Any, state: tuple, params: Any = None) -> tuple:
        is_adam, first, adam_state = state
        is_first = adam_state[0].count == 0
        first = jax.tree.map(lambda a, b: jnp.where(is_first, a, b), gradients, first)
        steps, adam_state = adam.update(gradients, adam_state)
        other, _ = sgd.update(gradients, sgd.init(gradients))
        chosen = jax.tree.map(lambda a, b: jnp.where(is_adam, a, b), steps, other)
        return chosen, (is_adam, first, adam_state)

    return optax.GradientTransformation(init, update)


def run_steps(
    devices: Sequence[jax.Device] | None = None,
    host: int = 0,
    hosts: int = 1,
    make_task: Callable[[], tuple] = small_task,
) -> dict[str, list[dict[str, np.ndarray]]]:
    """What every device here has of the first gradients and of the parameters after a few steps.

    Every host takes its share of the batches. The result is by optimizer, device and name.
    Softplus stands for ReLU: of an activation next to zero rounding alone would switch the gradient
    on or off, which for one in thousands is a difference of 1e-4.
    """
    with mock.patch.object(nn, "relu", nn.softplus):
        return _run_steps(devices, host, hosts, make_task)


def _run_steps(
    devices: Sequence[jax.Device] | None, host: int, hosts: int, make_task: Callable[[], tuple]
) -> dict[str, list[dict[str, np.ndarray]]]:
    task, frozen, params = make_task()
    tx = sgd_or_adam()
    step = make_train_step(task, tx, lambda step, progress: 1e-3, devices=devices)
    here = list(devices or jax.local_devices())
    frozen = replicate(frozen, here)
    found = {}
    for name in ("sgd", "adam"):
        state = create_train_state(params, tx)
        state = state._replace(opt_state=(jnp.array(name == "adam"), *state.opt_state[1:]))
        state = replicate(state, here)
        for batch in make_batches():
            mine = {key: rows[host::hosts] for key, rows in batch.items()}
            state, _ = step(state, frozen, share_out(mine, len(here)), 0.0)
        found[name] = shards({"gradients": state.opt_state[1], "params": state.params})
    return found


def metrics_on_the_way(
    task: Any, frozen: Any, params: Any, batch: dict[str, np.ndarray], steps: int = 25
) -> list[dict[str, float]]:
    """What a task's metrics are in steps of Adam on one device, always with the same batch."""
    tx = optax.adam(1.0)
    step = make_train_step(task, tx, lambda step, progress: 3e-3, devices=jax.devices()[:1])
    state, found = create_train_state(params, tx), []
    for _ in range(steps):
        state, metrics = step(state, frozen, share_out(batch, 1), 0.0)
        found.append({name: float(value) for name, value in metrics.items()})
    return found


def shards(tree: Any) -> list[dict[str, np.ndarray]]:
    """What each device has of the arrays of a tree, by their paths."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [
        {
            jax.tree_util.keystr(path): np.asarray(leaf.addressable_shards[i].data)
            for path, leaf in leaves
        }
        for i in range(len(leaves[0][1].addressable_shards))
    ]


def two_processes(script: str, *args: object) -> list[subprocess.CompletedProcess]:
    """Runs a Python script in two processes of one device each: ARGS, PORT, number."""
    port = free_port()
    processes = [
        start([sys.executable, "-c", script, *map(str, args), str(port), str(i)]) for i in (0, 1)
    ]
    done = []
    for process in processes:
        out, err = process.communicate(timeout=300)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done


def start(command: Sequence[object], **env: str) -> subprocess.Popen:
    """Starts a process with one device, in a group of its own, to which Ctrl-C can be sent even by
    a background job."""
    env = {**os.environ, "XLA_FLAGS": "", "PYTHONPATH": str(Path(__file__).parent), **env}
    # A shell's background jobs ignore Ctrl-C, and so would the child of one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=env, cwd=Path(__file__).parents[2], process_group=0,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    return process


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("localhost", 0))
        return sock.getsockname()[1]


def photos(folder: Path, count: int = 12) -> Path:
    """A folder of photos."""
    folder.mkdir(exist_ok=True)
    for i in range(count):
        picture(folder / f"photo{i:02}.png", i, 80 + i, 72)
    return folder


CONFIG = """
seed = 3
net = "{net}"
[network]
width = 4
blocks = 1
[data]
source = "folder:{photos}"
crop = 64
batch = 2
[loss]
content_layers = ["relu1_2"]
style_layers = ["relu1_1"]
[optimizer]
steps = {steps}
average = 0.9
[painting]
name = "blots"
file = "blots.png"
size = 64
"""


def write_run(folder: Path, steps: int = 40) -> list[str]:
    """Everything a short run needs; the words of its command, but for --work."""
    save_weights(folder / "net.safetensors", random_params(), {"net": "vgg16"})
    picture(folder / "blots.png", 99, 64, 64)
    net, source = folder / "net.safetensors", photos(folder / "photos")
    config = CONFIG.format(net=net, photos=source, steps=steps)
    (folder / "run.toml").write_text(config)
    words = ["--config", folder / "run.toml", "--paintings-dir", folder]
    return [str(word) for word in words]


UPSCALE = """
seed = 3
[network]
network = "compact"
scale = 2
width = 4
blocks = 1
[data]
source = "folder:{photos}"
crop = 64
batch = 2
[optimizer]
steps = {steps}
"""


def write_upscale_run(folder: Path, steps: int = 40) -> list[str]:
    """As `write_run`, for super-resolution."""
    config = UPSCALE.format(photos=photos(folder / "photos"), steps=steps)
    (folder / "upscale.toml").write_text(config)
    return ["--config", str(folder / "upscale.toml")]


def start_training(words: Sequence[object], cache: Path) -> subprocess.Popen:
    """Starts the real command; later ones find in the cache what the first one compiled."""
    return start(
        [sys.executable, "-m", "jaxnst", "train", *words],
        JAX_COMPILATION_CACHE_DIR=str(cache),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
