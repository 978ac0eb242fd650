"""The camera loop: rate, latency, dropped frames, memory, and what it costs over bare painting.

    python benchmarks/live.py --data DIR [--seconds 60] [--out FILE.json]

Every clip of DIR/video comes again and again at the pace of a camera, 30 frames per second, and is
painted at 512 pixels in the slim network, without a window. Then frames come as fast as they are
taken, and the loop takes turns with the network alone, on the same frames.
"""

import itertools
import time
from pathlib import Path
from typing import Any

import _record
import numpy as np
import psutil

from jaxnst.inference.realtime import FixedSize, Look, Meter, paint_live, scaled, warm_up
from jaxnst.inference.stylizer import Stylizer
from jaxnst.io.capture import Capture
from jaxnst.io.sources import FileSource, all_frames
from jaxnst.networks.shipped import DEFAULT

SIZE, RATE, TURNS, FRAMES = 512, 30, 5, 60


class Clip:
    """The frames of a clip, over and over."""

    def __init__(self, path: Path, rate: float | None, count: int | None = None) -> None:
        """Reads them all; a rate is that of a camera, and a count where it ends."""
        source = FileSource(str(path))
        frames = list(itertools.islice(all_frames(source), 200))
        source.close()
        self.name, self.rate = path.name, rate or 0.0
        self.size: tuple[int, int] = frames[0].shape[:2]
        self.due: float | None = None
        self._rate, self._frames, self._number, self._count = rate, frames, 0, count

    def read(self) -> np.ndarray | None:
        """The next frame."""
        if self._number == self._count:
            return None
        if self._rate:
            self.due = self._number / self._rate
        self._number += 1
        return self._frames[(self._number - 1) % len(self._frames)]

    def close(self) -> None:
        """Nothing is open."""


def main() -> None:
    """Prints a table, then what the loop costs."""
    parser = _record.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    stylizer = Stylizer(DEFAULT, exact=True)
    clips = sorted((args.data / "video").iterdir())
    print(f"{'clip':>30} {'painted':>10} {'fps':>6} {'p50':>7} {'p95':>7} {'dropped':>7}  memory")
    pace = {path.name: at_the_pace_of_a_camera(path, stylizer, args.seconds) for path in clips}
    cost = {path.name: cost_of_the_loop(path, stylizer) for path in clips}
    _record.write(args.out, {"camera": pace, "loop": cost})


def at_the_pace_of_a_camera(path: Path, stylizer: Stylizer, seconds: float) -> dict[str, Any]:
    """Prints a row of the table, and returns it."""
    clip, size, how = Clip(path, RATE), FixedSize(SIZE), Look(stylizer.gallery.styles[0])
    warm_up(stylizer, how, size, clip.size)
    meter, memory, process = Meter(), [], psutil.Process()
    until, next_look = time.monotonic() + seconds, 0.0
    with Capture(clip) as capture:
        for shown in paint_live(capture, stylizer, lambda: how, size):
            if shown is not None:
                meter.see(shown.time)
            now = time.monotonic()
            if now > next_look:
                memory.append(process.memory_info().rss / 1e6)
                next_look = now + seconds / 10
            if now > until:
                break
        dropped = capture.dropped
    height, width = size.of(clip.size)
    rate, latency = meter.rate(), [meter.latency(50), meter.latency(95)]
    print(
        f"{path.name:>30} {width:>5}x{height:<4} {rate:>6.1f} "
        f"{1000 * latency[0]:>4.0f} ms {1000 * latency[1]:>4.0f} ms {dropped:>7}  "
        f"{memory[1]:.0f} MB, {memory[-1]:.0f} MB in the end",
        flush=True,
    )
    return {"fps": rate, "latency": latency, "dropped": dropped, "megabytes": memory}


def cost_of_the_loop(path: Path, stylizer: Stylizer) -> dict[str, Any]:
    """Prints and returns seconds of a frame in the loop and by the network alone, in turns."""
    size, how = FixedSize(SIZE), Look(stylizer.gallery.styles[0])
    ratios, alone, looped = [], [], []
    for _ in range(TURNS):
        clip = Clip(path, None, FRAMES)
        photos = [scaled(frame, size) for frame in all_frames(clip)]
        started = time.perf_counter()
        for photo in photos:
            stylizer(photo, how.style)
        alone.append((time.perf_counter() - started) / FRAMES)
        clip = Clip(path, 1000, None)
        started, count = time.perf_counter(), 0
        with Capture(clip) as capture:
            for shown in paint_live(capture, stylizer, lambda: how, size):
                count += shown is not None
                if count == FRAMES:
                    break
        looped.append((time.perf_counter() - started) / FRAMES)
        ratios.append(looped[-1] / alone[-1])
    seconds = {"loop": float(np.median(looped)), "alone": float(np.median(alone))}
    ratio = float(np.median(ratios))
    print(
        f"{path.name}: {1000 * seconds['loop']:.1f} ms a frame in the loop, "
        f"{1000 * seconds['alone']:.1f} ms the network alone: {ratio:.2f} times",
        flush=True,
    )
    return {"seconds": seconds, "ratio": ratio}


if __name__ == "__main__":
    main()
