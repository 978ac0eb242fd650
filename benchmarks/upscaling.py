"""Speed and memory of super-resolution, beside the same networks in torch.

    python benchmarks/upscaling.py --data DIR [--model NAME|FILE ...] [--rounds 5] [--out FILE.json]

Enlarges a photo of DIR/content to about two megapixels with each kind of network that ships, ours
and its copy in torch taking turns, and prints milliseconds per megapixel of the result. Then
`jaxnst upscale` enlarges 1920 x 1080 pixels four times in a process of its own, whose peak memory
is read.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _record
import numpy as np
import torch
from _torch_upscalers import TorchUpscaler, enlarge

from jaxnst.inference.upscaler import Upscaler
from jaxnst.io.codec import load, save
from jaxnst.io.folders import list_images
from jaxnst.io.resize import resize
from jaxnst.networks.kinds import UpscaleNetwork
from jaxnst.networks.model_file import UPSCALING, load_model
from jaxnst.ops.pixels import to_uint8

RESULT = (1152, 1920)  # height and width, pixels; multiples of 8 times 32
RIM = 16  # pixels of the photo in which torch's bicubic interpolation differs


def main() -> None:
    """Prints a line for each network, and the memory."""
    parser = _record.parser(__doc__)
    parser.add_argument("--model", nargs="*", default=[*UPSCALING.values(), "johnson_upscale_x4"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    photo = load(list_images(args.data / "content")[0]).rgb
    found = {Path(name).stem: compare(name, photo, args.rounds) for name in args.model}
    _record.write(args.out, {"networks": found, "command": memory(photo)})


def compare(name: str, photo: np.ndarray, rounds: int) -> dict[str, float]:
    """Ours and torch's in turns: milliseconds a megapixel, their ratio, and the difference."""
    model = load_model(name)
    assert isinstance(model.network, UpscaleNetwork)
    scale = model.network.scale
    small = to_uint8(resize(photo, (RESULT[0] // scale, RESULT[1] // scale)))
    ours, theirs = Upscaler(model), TorchUpscaler(model.network, model.params)
    rim = slice(RIM * scale, -RIM * scale)
    one, other = ours(small)[rim, rim].astype(int), enlarge(theirs, small)[rim, rim]
    difference = np.abs(one - other).max()
    times: dict[str, list[float]] = {"ours": [], "torch": []}
    for _ in range(rounds):
        for who, job in (("ours", lambda: ours(small)), ("torch", lambda: enlarge(theirs, small))):
            started = time.perf_counter()
            job()
            times[who].append(1000 * (time.perf_counter() - started))
    megapixels = RESULT[0] * RESULT[1] / 1e6
    here, there = (np.median(times[who]) / megapixels for who in ("ours", "torch"))
    print(
        f"{Path(name).stem:<24} {here:7.0f} ms a megapixel, torch {there:7.0f}: "
        f"{there / here:.2f}x; results differ by {difference} of 255 at most"
    )
    return {"jaxnst": here, "torch": there, "ratio": there / here, "difference": difference}


def memory(photo: np.ndarray) -> dict[str, float]:
    """Time and peak memory of the command."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "photo.png"), Path(folder, "out.png")
        save(source, resize(photo, (1080, 1920)))
        command = [
            sys.executable,
            "-m",
            "jaxnst",
            "upscale",
            str(source),
            "-o",
            str(out),
            "--quiet",
        ]
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"1920 x 1080, 4 times: {seconds:.1f} s, peak {peak / 1e9:.2f} GB (limit 6)")
    return {"seconds": seconds, "peak_bytes": peak}


if __name__ == "__main__":
    main()
