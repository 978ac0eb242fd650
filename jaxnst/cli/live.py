"""`jaxnst live`: the camera as a painting."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jaxnst.cli.cache import use_compilation_cache
from jaxnst.cli.compile_notice import compile_notice
from jaxnst.cli.exit_status import status_of
from jaxnst.cli.live_keys import Controls
from jaxnst.cli.options import Live
from jaxnst.cli.output_checks import check_apart
from jaxnst.cli.parsing import parse
from jaxnst.cli.plan import files_in, labels_of
from jaxnst.cli.signals import stop_signals
from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, check_writable, display_name

_RECENT = 30  # frames, of which rate and latency are shown
_READY = 16  # pictures as styles that are ready at the start, of 12 MB each; others wait for a key


def main(argv: Sequence[str]) -> int:
    """Runs the command; the exit status is 0, or 128 and a signal's number after one."""
    command = parse(Live, argv, "jaxnst live", f"{Live.__doc__}")
    _check(command)
    return status_of(lambda: _run(command))


def _check(command: Live) -> None:
    """Raises JaxnstError for outputs that could not be written, before anything is opened."""
    if not command.no_window:  # first: PyAV's own copies of X11's libraries would hang the window
        from jaxnst.io.display import check_display
        from jaxnst.io.opencv import import_cv2

        check_display()
        import_cv2()
    from jaxnst.io.container import check_video_path

    if command.output is not None:
        check_video_path(command.output)
        check_writable(command.output)
    if command.stats is not None:
        check_writable(command.stats)
    pictures = files_in(Path(name) for name in command.style if os.path.exists(name))
    inputs = [Path(command.source), *pictures]
    check_apart(inputs, [p for p in (command.output, command.stats) if p])
    if not command.folder.is_dir():
        raise JaxnstError(f"{display_name(command.folder)}: there is no such folder; make it")
    if command.no_window and not (command.output or command.stats or command.virtual_camera):
        raise JaxnstError("--no-window shows nothing: give --output or --stats as well")


def _run(command: Live) -> int:
    from jaxnst.cli.live_output import Stage
    from jaxnst.inference.realtime import Meter, paint_live, warm_up
    from jaxnst.io.capture import Capture
    from jaxnst.io.sources import open_source

    use_compilation_cache()
    painter, controls = _of_pictures(command) if _has_pictures(command) else _trained(command)
    asked = {name: getattr(command, name) or None for name in ("width", "height", "fps")}
    source = open_source(command.source, **asked)
    say: Callable[[str], None] = (lambda _: None) if command.quiet else _say
    meter = Meter()
    with (
        compile_notice(quiet=command.quiet),
        stop_signals() as stopped,
        contextlib.ExitStack() as stack,
    ):
        say(f"{_described(source)}; paints in {controls.styles[0]}")
        size = _size(command, painter, lambda: controls.look(0), stack)
        if source.size is not None:
            warm_up(painter, controls.look(0), size, source.size)
        capture = stack.enter_context(Capture(source))
        stage = stack.enter_context(Stage(command, controls, say))
        started = time.monotonic()
        frames = paint_live(
            capture, painter, lambda: controls.look(time.monotonic() - started), size
        )
        for shown in frames:
            if shown is not None and not controls.frozen:
                stage.show(shown, _line(controls, meter, capture, time.monotonic() - started))
                meter.see(shown.time)
            if not stage.look_after() or stopped.is_set():
                break
            if command.frames and meter.count >= command.frames:
                break
        else:
            say(getattr(source, "damage", "") or f"{source.name}: has ended")
        stats = _stats(meter, capture, shown_size=stage.size)
    _report(command, stats, say)
    return stopped.status if stopped.is_set() else 0


def _has_pictures(command: Live) -> bool:
    """Whether --style has pictures, or folders of them.

    Raises:
      JaxnstError: it has names beside them.
    """
    from jaxnst.cli.style_source import no_picture

    pictures = [name for name in command.style if os.path.exists(name)]
    if pictures and len(pictures) < len(command.style):
        raise no_picture(next(name for name in command.style if name not in pictures))
    return bool(pictures)


def _trained(command: Live) -> tuple[Any, Controls]:
    """What paints in trained styles, and the settings to begin with."""
    from jaxnst.cli.style_source import unknown_style
    from jaxnst.inference.stylizer import Stylizer
    from jaxnst.networks.gallery import load_gallery
    from jaxnst.networks.shipped import DEFAULT

    gallery = load_gallery(command.model or DEFAULT)
    for name in command.style:
        if name not in gallery.styles:
            raise unknown_style(name, gallery.styles)
    controls = _controls(command, command.style or tuple(gallery.styles))
    controls.has_strengths = gallery.has_strengths
    gallery.params(controls.styles[0], controls.strength)
    return Stylizer(gallery, exact=True), controls


def _of_pictures(command: Live) -> tuple[Any, Controls]:
    """What paints in the style of pictures, and the settings to begin with."""
    from jaxnst.cli.run_any_style import check_strength, read_painting
    from jaxnst.inference.any_style import AnyStylizer
    from jaxnst.networks.model_file import DECODER

    check_strength(command.strength)
    paintings: dict[str, Any] = {}
    for path, label in labels_of(files_in(map(Path, command.style))).items():
        name = display_name(label)
        if name in paintings:
            raise JaxnstError(
                f"{display_name(path)}: another --style has the name {name} already: rename one"
            )
        painting = read_painting(path)  # all of them, since an error on the way would end it
        keeps = len(paintings) < _READY
        paintings[name] = painting if keeps else partial(read_painting, path)
    controls = _controls(command, tuple(paintings))
    controls.strongest = 1.0
    return AnyStylizer(paintings, model=command.model or DECODER, exact=True), controls


def _controls(command: Live, styles: Sequence[str]) -> Controls:
    return Controls(
        styles, strength=command.strength, keep_colors=command.keep_colors, smooth=command.smooth,
        split=command.split, mirror=command.mirror, stroke=command.stroke or None,
    )  # fmt: skip


def _described(source: Any) -> str:
    """The size and frame rate that a source actually delivers."""
    size = f"{source.size[1]}x{source.size[0]} pixels, " if source.size else ""
    return f"{source.name}: {size}{source.rate:.3g} frames per second"


def _size(command: Live, painter: Any, look: Callable[[], Any], stack: contextlib.ExitStack) -> Any:
    from jaxnst.inference.realtime import AutoSize, FixedSize

    if command.size != "auto":
        return FixedSize(int(command.size))
    size = AutoSize(painter, look, command.rate)
    stack.callback(size.close)
    return size


def _line(controls: Controls, meter: Any, capture: Any, seconds: float) -> str:
    return (
        f"{controls.title(seconds)}   {meter.rate(_RECENT):.1f} fps, "
        f"{1000 * meter.latency(50, _RECENT):.0f} ms, {capture.dropped} dropped"
    )


def _stats(meter: Any, capture: Any, shown_size: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "frames": meter.count,
        "fps": round(meter.rate(), 2),
        "latency_ms_p50": round(1000 * meter.latency(50), 1),
        "latency_ms_p95": round(1000 * meter.latency(95), 1),
        "dropped": capture.dropped,
        "size": shown_size and [shown_size[1], shown_size[0]],
    }


def _report(command: Live, stats: dict[str, Any], say: Callable[[str], None]) -> None:
    if command.stats is not None:
        with atomic_write(command.stats) as temporary:
            temporary.write_text(json.dumps(stats, indent=2) + "\n")
        print(display_name(command.stats))
    say(
        f"{stats['frames']} frames, {stats['fps']} per second, {stats['dropped']} dropped; latency "
        f"{stats['latency_ms_p50']} ms, 95 %: {stats['latency_ms_p95']} ms"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
