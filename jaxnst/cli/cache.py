"""JAX's compilation cache in the user's cache folder, so that functions compile only once."""

import os
from contextlib import suppress
from pathlib import Path

_LEAST_SECONDS = 0.2  # of compiling, for an entry to be worth a file


def cache_folder() -> Path:
    """The cache's folder: `jaxnst` in XDG_CACHE_HOME, or in ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path("~/.cache").expanduser()) / "jaxnst"


def use_compilation_cache() -> None:
    """Enables the cache, unless JAX's own setting already has or the folder is not writable."""
    import jax

    if jax.config.values["jax_compilation_cache_dir"]:
        return
    folder = cache_folder()
    with suppress(OSError, RuntimeError):  # RuntimeError: there is no home
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            jax.config.update("jax_compilation_cache_dir", str(folder))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
