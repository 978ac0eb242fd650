"""Peak memory of a 3840 x 2160 picture with the default preset's optimizer.

    python benchmarks/memory.py --data DIR [--out FILE.json]

Runs `jaxnst stylize` in a process of its own, limited to so many gigabytes, three evaluations at
each size, and reads its peak resident memory. DIR holds content/*.jpg and styles/*.jpg.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _record

from jaxnst.io.codec import load, save
from jaxnst.io.resize import resize
from jaxnst.optimize.job import Job, scales
from jaxnst.optimize.presets import load_preset


def main() -> None:
    """Prints size, evaluations, time and peak memory."""
    parser = _record.parser(__doc__)
    parser.add_argument("--width", type=int, default=3840, help="pixels; 9/16 of it high")
    parser.add_argument("--limit", type=float, default=11.0, help="gigabytes given to jaxnst")
    args = parser.parse_args()
    size = (args.width * 9 // 16, args.width)
    count = 3 * len(scales(Job(size, options=load_preset("default").optimize)))
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder, "photo.png"), Path(folder, "out.png")
        save(photo, resize(load(args.data / "content/tubingen.jpg").rgb, size))
        style = args.data / "styles/starry_night_full.jpg"
        started = time.monotonic()
        subprocess.run(
            [
                *(sys.executable, "-m", "jaxnst", "stylize", str(photo), "--style", str(style)),
                *("-o", str(out), "--size", str(args.width), "--iterations", str(count)),
                *("--memory-limit", str(args.limit), "--json", "--quiet"),
            ],
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds = time.monotonic() - started
        assert load(out).rgb.shape == (*size, 3)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{size[1]} x {size[0]}, default preset, {count} evaluations (3 at full size), "
        f"--memory-limit {args.limit:g}: peak {peak / 1e9:.2f} GB, {seconds:.0f} s"
    )
    figures = {"size": size, "evaluations": count, "seconds": seconds, "peak_bytes": peak}
    _record.write(args.out, {**figures, "limit_gigabytes": args.limit})


if __name__ == "__main__":
    main()
