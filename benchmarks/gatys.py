"""Image optimization against the same network and loss in plain torch float32.

    python benchmarks/gatys.py --data DIR

DIR holds content/tubingen.jpg and styles/starry_night_full.jpg. Both programs start from the
photo and take turns, ten evaluations each, so that a busy machine is as busy for both. Torch runs
its own L-BFGS as neural-style-pt sets it (history 100, no line search, pixels in 0..255), which
leaves pixels outside [0, 1]; a file can only hold them clipped, so both losses are given.
"""

import time
from pathlib import Path

import _record
import jax.numpy as jnp
import numpy as np
import torch
from _torch_nst import TorchLoss, to_torch

from jaxnst.io.codec import load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.optimize.optimizer import Evaluate
from jaxnst.optimize.presets import load_preset
from jaxnst.optimize.projected_lbfgs import ProjectedLbfgs
from jaxnst.perceptual import vgg
from jaxnst.perceptual.loss_options import LossOptions
from jaxnst.perceptual.targets import Targets, content_targets, style_targets
from jaxnst.perceptual.weights import load_vgg

EVALUATIONS = 100
TURN = 10
TORCH_SCALE = 1e6  # its L-BFGS has absolute thresholds, made for losses of this magnitude


class TorchRun:
    """torch.optim.LBFGS on the pixels."""

    def __init__(self, loss: TorchLoss, start: np.ndarray) -> None:
        self.losses: list[float] = []
        self._loss = loss
        self._pixels = (to_torch(start) * 255).requires_grad_()
        self._optimizer = torch.optim.LBFGS(
            [self._pixels], max_iter=TURN, max_eval=TURN + 1, history_size=100,
            tolerance_grad=-1, tolerance_change=-1,
        )  # fmt: skip

    def turn(self) -> None:
        """Ten evaluations."""
        self._optimizer.step(self._closure)

    def clipped_loss(self) -> float:
        """Of the picture as a file can hold it."""
        with torch.no_grad():
            return float(self._loss((self._pixels / 255).clamp(0, 1)))

    def _closure(self) -> torch.Tensor:
        self._optimizer.zero_grad()
        loss = TORCH_SCALE * self._loss(self._pixels / 255)
        loss.backward()
        self.losses.append(float(loss.detach()) / TORCH_SCALE)
        return loss


class JaxRun:
    """jaxnst.optimize.projected_lbfgs on the pixels."""

    def __init__(self, evaluate: Evaluate, start: np.ndarray, memory: int) -> None:
        self._evaluate, self._optimizer = evaluate, ProjectedLbfgs(memory)
        self._state = self._optimizer.init(evaluate, jnp.asarray(start))
        self.losses = [self._state.loss]

    def turn(self) -> None:
        """Ten evaluations."""
        for _ in range(TURN):
            self._state = self._optimizer.step(self._evaluate, self._state)
            self.losses.append(self._state.loss)


def main() -> None:
    """Prints the comparison."""
    parser = _record.parser(__doc__)
    parser.add_argument("--size", type=int, default=384, help="long side, pixels")
    args = parser.parse_args()
    preset = load_preset("default")
    content, style = (
        _sized(args.data / name, args.size)
        for name in ("content/tubingen.jpg", "styles/starry_night_full.jpg")
    )
    params = load_vgg(preset.net)
    reference = TorchRun(TorchLoss(params, content, style, preset.loss), content)
    ours = JaxRun(_evaluation(params, content, style, preset.loss), content, preset.optimize.memory)
    seconds = _take_turns(reference, ours)
    _record.write(args.out, _report(reference, ours, seconds))


def _sized(path: Path, size: int) -> np.ndarray:
    picture = load(path).rgb
    return resize(picture, fit_long_side(picture.shape[:2], size))


def _evaluation(
    params: vgg.Params, content: np.ndarray, style: np.ndarray, options: LossOptions
) -> Evaluate:
    targets = Targets(
        content_targets(params, jnp.asarray(content), options),
        (style_targets(params, jnp.asarray(style), options),),
    )
    prepared = vgg.prepare(params, (*options.content_layers, *options.style_layers))
    return lambda image: loss_and_gradient(prepared, image, targets, options)


def _take_turns(reference: TorchRun, ours: JaxRun) -> dict[str, list[float]]:
    """Seconds of each turn; ours goes on for as long again, should it need more evaluations."""
    seconds: dict[str, list[float]] = {"torch": [], "jaxnst": []}
    while len(reference.losses) < EVALUATIONS:
        for name, run in (("torch", reference), ("jaxnst", ours)):
            started = time.perf_counter()
            run.turn()
            seconds[name].append(time.perf_counter() - started)
    while ours.losses[-1] > reference.losses[-1] and len(ours.losses) < 2 * EVALUATIONS:
        ours.turn()
    return seconds


def _report(
    reference: TorchRun, ours: JaxRun, seconds: dict[str, list[float]]
) -> dict[str, dict[str, float]]:
    """Prints and returns the pace, and what torch's losses take."""
    pace = {name: float(np.median(turns)) / TURN for name, turns in seconds.items()}
    print(f"{'evaluations':>11} {'torch loss':>12} {'jaxnst loss':>12}")
    for n in range(TURN, EVALUATIONS + 1, TURN):
        print(f"{n:>11} {reference.losses[n - 1]:>12.4f} {ours.losses[n - 1]:>12.4f}")
    print(f"torch's picture as saved, clipped to [0, 1]: {reference.clipped_loss():.4f}")
    for name, value in pace.items():
        print(f"{name}: {value:.3f} s per evaluation (median of turns), {1 / value:.2f} per second")
    print(f"evaluations per second, jaxnst / torch: {pace['torch'] / pace['jaxnst']:.2f}")
    shares: dict[str, float] = {}
    goals = {"free": reference.losses[EVALUATIONS - 1], "as saved": reference.clipped_loss()}
    for name, goal in goals.items():
        needed = next((i for i, loss in enumerate(ours.losses, 1) if loss <= goal), None)
        if needed is None:
            print(f"torch's loss after {EVALUATIONS} ({name}): not reached")
            continue
        shares[name] = needed * pace["jaxnst"] / (EVALUATIONS * pace["torch"])
        print(
            f"torch's loss after {EVALUATIONS} ({name}, {goal:.4f}): reached after {needed} "
            f"evaluations, in {shares[name]:.2f} of torch's time"
        )
    ratio = {"jaxnst / torch": pace["torch"] / pace["jaxnst"]}
    return {"seconds": pace, "per_second": ratio, "share_of_torchs_time": shares}


if __name__ == "__main__":
    main()
