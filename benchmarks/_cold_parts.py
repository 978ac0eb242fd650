"""One picture as `jaxnst stylize` makes it, in a process of its own, which prints what takes how
long: seconds by part, as JSON.

    python benchmarks/_cold_parts.py PHOTO MODEL STYLE OUT
"""

import json
import sys
import time
from pathlib import Path


def main(photo: str, model: str, style: str, out: str) -> None:
    """Paints twice, since the second time is that of painting alone."""
    marks = [("", time.perf_counter())]

    def mark(name: str) -> None:
        marks.append((name, time.perf_counter()))

    import jax  # noqa: F401

    mark("import jax")
    from jaxnst.cli.cache import use_compilation_cache
    from jaxnst.cli.stylize import parse_stylize
    from jaxnst.inference.stylizer import Stylizer
    from jaxnst.io.codec import load, save
    from jaxnst.ops.pixels import from_uint8, to_uint8

    mark("other imports")
    parse_stylize([photo, "--model", model, "--style", style, "-o", out])
    mark("command line")
    use_compilation_cache()
    stylizer = Stylizer(model)
    stylizer.gallery.params(style)
    mark("model")
    pixels = to_uint8(load(Path(photo)).rgb)
    mark("read")
    stylizer(pixels, style)
    mark("compile or cache")
    painting = stylizer(pixels, style)
    mark("paint")
    save(Path(out), from_uint8(painting))
    mark("write")
    seconds = {name: end - marks[i][1] for i, (name, end) in enumerate(marks[1:])}
    seconds["compile or cache"] -= seconds["paint"]
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
