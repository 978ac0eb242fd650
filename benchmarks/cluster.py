"""Pictures per second on a cluster of one worker and of two, beside the plain command.

    python benchmarks/cluster.py --data DIR [--photos 40] [--side 512] [--workers 1 2]
        [--simulated 10 100 1000] [--seconds 0.5] [--out FILE.json]

The machines of the cluster are processes on this one, with a core each (`ray.cluster_utils`). Each
command runs twice on the first photos of DIR/photos: once to compile, once to be measured. The rate
is that between the first painting and the last; overhead is what else the command takes.

Then a simulation, which is no measurement of painting: the part of the command that hands out work
runs as it is, with workers that sleep as long as a painting takes (--seconds). It shows with how
many workers handing out becomes the limit; Ray's own work for each picture is not in it.
"""

import heapq
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import _record

from jaxnst.cli.dispatch import Dispatcher
from jaxnst.io.codec import load, save
from jaxnst.io.folders import list_images
from jaxnst.io.resize import fit_long_side, resize

_PER_WORKER = 20  # simulated tasks


def main() -> None:
    """Prints the rates."""
    parser = _record.parser(__doc__)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--side", type=int, default=512, help="long side in pixels")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--simulated", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=0.5, help="of a simulated painting")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jaxnst-") as name:
        folder = Path(name)
        write_photos(args.data / "photos", folder / "photos", args.photos, args.side)
        figures = {"plain": measure(folder, "plain command")}
        figures |= {f"{n} workers": on_cluster(folder, n) for n in args.workers}
    simulated = {str(n): simulate(n, args.seconds) for n in args.simulated}
    _record.write(args.out, {"measured": figures, "simulated_workers": simulated})


def write_photos(source: Path, folder: Path, count: int, side: int) -> None:
    """The photos that are painted."""
    folder.mkdir()
    for path in list_images(source)[:count]:
        photo = load(path).rgb
        save(folder / f"{path.stem}.png", resize(photo, fit_long_side(photo.shape[:2], side)))


def on_cluster(folder: Path, workers: int) -> dict[str, float]:
    """Measures the command on a cluster of machines with a core each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    size: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(True, head_node_args={**size, "include_dashboard": False})
    try:
        for _ in range(workers - 1):
            cluster.add_node(**size)
        return measure(folder, f"{workers} workers", "--cluster", cluster.address)
    finally:
        cluster.shutdown()


def measure(folder: Path, title: str, *options: str) -> dict[str, float]:
    """Runs the command twice, and says how fast it was the second time."""
    out, words = folder / "out", ["stylize", str(folder / "photos"), "--style", "starry_night"]
    for _ in range(2):
        began = time.time()
        command = [*words, "-o", str(out), "--overwrite", "--quiet", *options]
        subprocess.run(
            [sys.executable, "-m", "jaxnst", *command], check=True, stdout=subprocess.DEVNULL
        )
        whole = time.time() - began
    times = [path.stat().st_mtime for path in out.iterdir()]
    painting = max(times) - min(times)
    rate = (len(times) - 1) / painting
    print(f"{title}: {rate:.2f} pictures/s, {whole - painting:.1f} s besides", flush=True)
    return {"pictures_per_second": rate, "seconds_besides": whole - painting}


def simulate(size: int, seconds: float) -> dict[str, float]:
    """How busy the workers of a simulated cluster are."""
    crew, tasks = SleepingCrew(size, seconds), range(_PER_WORKER * size)
    began = time.monotonic()
    for result in Dispatcher[int, None](crew, tasks).results():
        result()
    rate = len(tasks) / (time.monotonic() - began)
    busy = rate * seconds / size
    print(f"simulated, {size} workers of {seconds} s: {rate:.0f} pictures/s, {busy:.0%} busy")
    return {"pictures_per_second": rate, "busy": busy}


class SleepingCrew:
    """Workers that do nothing for as long as a painting takes, one task after the other."""

    at_once = 1

    def __init__(self, size: int, seconds: float) -> None:
        """Takes their number, and how long a task takes."""
        self.size, self.seconds = size, seconds
        self._due: list[tuple[float, int, Future[Any]]] = []
        self._changed = threading.Condition()
        self._count = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def start(self) -> "SleepingWorker":
        """A new worker."""
        return SleepingWorker(self)

    def answer_at(self, due: float) -> "Future[Any]":
        """A future that is done at some time."""
        answer: Future[Any] = Future()
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (due, self._count, answer))
            self._changed.notify()
        return answer

    def _answer(self) -> None:
        """Answers what is due, for ever."""
        while True:
            with self._changed:
                now = time.monotonic()
                ready = []
                while self._due and self._due[0][0] <= now:
                    ready.append(heapq.heappop(self._due)[2])
                if not ready:
                    self._changed.wait(self._due[0][0] - now if self._due else None)
            for answer in ready:
                answer.set_result(None)


class SleepingWorker:
    """One of them."""

    def __init__(self, crew: SleepingCrew) -> None:
        """Takes the crew."""
        self._crew, self._free = crew, time.monotonic()

    def prepare(self) -> "Future[Any]":
        """Is ready at once."""
        return self._crew.answer_at(self._free)

    def make(self, task: int) -> "Future[Any]":
        """Sleeps after what it has begun."""
        del task
        self._free = max(self._free, time.monotonic()) + self._crew.seconds
        return self._crew.answer_at(self._free)

    def end(self) -> None:
        """Nothing is left to end."""


if __name__ == "__main__":
    main()
