"""Says that functions are compiled, where that takes long: the first time for a size."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

NOTICE = "compiling: the first time for a size takes longer"

# What JAX calls its events: a function is about to be compiled; it has been, or was in the cache.
_BEFORE = "/jax/core/compile/jaxpr_to_mlir_module_duration"
_AFTER = "/jax/core/compile/backend_compile_duration"
_PATIENCE = 1.0  # seconds; what is in the cache is there sooner


@contextmanager
def compile_notice(*, quiet: bool) -> Iterator[None]:
    """Prints a line on stderr when something within the block takes long to compile; one at most.

    Args:
      quiet: print nothing.
    """
    from jax import monitoring

    watch = _Watch()
    if not quiet and sys.stderr is not None:  # None: the shell has closed it
        monitoring.register_event_duration_secs_listener(watch.see)
    try:
        yield
    finally:
        watch.stop()  # not every version of JAX lets a listener be taken away


class _Watch:
    """Waits in each thread for what is compiled there."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: dict[int, threading.Timer] = {}

    def see(self, event: str, duration_secs: float, **_: Any) -> None:
        """Listener for JAX's events; how long something took does not matter."""
        del duration_secs
        thread = threading.get_ident()
        if event == _BEFORE and not self._ended and thread not in self._waiting:
            timer = self._waiting[thread] = threading.Timer(_PATIENCE, self._say)
            timer.daemon = True
            timer.start()
        elif event == _AFTER and thread in self._waiting:
            self._waiting.pop(thread).cancel()

    def stop(self) -> None:
        """Says nothing from now on."""
        self._ended = True
        for timer in tuple(self._waiting.values()):
            timer.cancel()

    def _say(self) -> None:
        if not self._ended:
            tqdm.write(NOTICE, file=sys.stderr)  # which does not break a progress bar
        self._ended = True
