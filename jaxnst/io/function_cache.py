"""Jitted functions whose traces are kept on disk, so that a new process need not trace them again.

JAX's own cache saves compiling a function, but to find it there takes the function's StableHLO, for
which a network of Flax modules is traced and lowered anew: half of what one picture takes. Here the
StableHLO is kept as well, in the same folder, that of `jax_compilation_cache_dir`; without such a
folder functions are jitted as usual.

A file is found by what the function is called with (shapes, types and static arguments), the
versions of JAX and of this code, and the backend. It is as trustworthy as the folder it lies in.
"""

import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
from jax import export
from jax.tree_util import tree_flatten, tree_unflatten

from jaxnst import __version__
from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write

SUFFIX = "-exported"
"""How the files' names end."""

_PACKAGE = Path(__file__).parents[1]
_ROOMS = ("ops", "io", "perceptual", "networks", "inference")  # whose code can be part of a trace


def cached_jit(*, static: Sequence[str] = ()) -> Callable[[Callable[..., Any]], "CachedFunction"]:
    """A decorator like `jax.jit` with `static` arguments, whose `repr` tells all about them."""
    return lambda function: CachedFunction(function, static)


class CachedFunction:
    """A function that is jitted, and whose trace is kept on disk; see the module."""

    def __init__(self, function: Callable[..., Any], static: Sequence[str]) -> None:
        """Takes a pure function of arrays, and the names of its arguments that are none."""
        functools.update_wrapper(self, function)
        self._name, self._path = function.__name__.strip("_"), function.__qualname__
        self._function, self._static = function, tuple(static)
        self.jitted = jax.jit(function, static_argnames=self._static)  # nothing on disk
        self._signature = inspect.signature(function)
        self._ready: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        folder = jax.config.values["jax_compilation_cache_dir"]
        if not folder:
            return self.jitted(*args, **kwargs)
        arguments = self._signature.bind(*args, **kwargs).arguments
        fixed = {name: arguments.pop(name) for name in self._static if name in arguments}
        leaves, tree = tree_flatten(arguments)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return self.jitted(*args, **kwargs)
        key = (tuple(fixed.items()), tree, tuple(map(_shape_and_type, leaves)))
        if key not in self._ready:

            def of_leaves(*leaves: jax.Array) -> Any:
                return self._function(**fixed, **tree_unflatten(tree, leaves))

            self._ready[key] = self._load_or_trace(Path(folder), repr(key), of_leaves, leaves)
        return self._ready[key](*leaves)

    def _load_or_trace(
        self, folder: Path, key: str, function: Callable[..., Any], arrays: Sequence[jax.Array]
    ) -> Callable[..., Any]:
        """The jitted function, its trace taken from the folder or left there."""
        plain = self._jitted(function)
        name = hashlib.sha256(f"{_versions()} {self._path} {key}".encode()).hexdigest()
        path = folder / f"{self._name}-{name}{SUFFIX}"
        exported = _read(path)
        if exported is None:
            try:
                exported = export.export(plain)(*arrays)
                data = bytes(exported.serialize())
            except (ValueError, NotImplementedError, ImportError):  # not all can be exported
                return plain
            with suppress(OSError, JaxnstError), atomic_write(path) as temporary:
                temporary.write_bytes(_digest(path, data) + data)
        return self._jitted(_without_lapack(exported).call)

    def _jitted(self, function: Callable[..., Any]) -> Any:
        """Jitted under the name of what is cached, by which JAX names what it has compiled."""

        def named(*leaves: jax.Array) -> Any:
            return function(*leaves)

        named.__name__ = self._name
        return jax.jit(named)


def _shape_and_type(leaf: Any) -> tuple[tuple[int, ...], Any]:
    """Of an array or a plain number."""
    return (leaf.shape, leaf.dtype) if hasattr(leaf, "dtype") else ((), type(leaf))


def _read(path: Path) -> Any:
    """What was exported to a file; None if there is none, or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if _digest(path, data[32:]) != data[:32]:
        return None
    try:
        return export.deserialize(bytearray(data[32:]))
    except (ValueError, ImportError):
        return None


def _digest(path: Path, data: bytes) -> bytes:
    """What a file begins with: it is of its data and its name, so that no other can stand in."""
    return hashlib.sha256(path.name.encode() + data).digest()


def _without_lapack(exported: Any) -> Any:
    """The same, called without the start of LAPACK, which takes as long as finding the trace.

    JAX starts it for whatever was exported for a CPU. What is cached here has no linear algebra.
    """
    anywhere = (*exported.disabled_safety_checks, export.DisabledSafetyCheck.platform())
    return dataclasses.replace(exported, platforms=("any",), disabled_safety_checks=anywhere)


@functools.cache
def _versions() -> str:
    """What a trace depends on besides the function's arguments."""
    files = sorted(path for room in _ROOMS for path in (_PACKAGE / room).glob("*.py"))
    stats = [(path.name, (status := path.stat()).st_size, status.st_mtime_ns) for path in files]
    settings = {
        name: jax.config.values[name] for name in ("jax_enable_x64", "jax_default_matmul_precision")
    }
    return repr((__version__, jax.__version__, jax.default_backend(), settings, stats))
