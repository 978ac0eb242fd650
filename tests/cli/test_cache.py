"""The cache of compiled functions mends itself and does not grow for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxnst.cli.cache import cache_folder, limit_size

RUN = """
import sys
import warnings

import jax
import jax.numpy as jnp

from jaxnst.cli.cache import cache_folder, use_compilation_cache

use_compilation_cache()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

@jax.jit
def wave(x):
    return jnp.sin(x) @ jnp.cos(x)

def entry():
    (path,) = cache_folder().glob("jit_wave*-cache")
    return path

image = jnp.ones((8, 8))
expected = wave(image)
whole = entry().stat().st_size
for damaged in (entry().read_bytes()[: whole // 2], b"", bytes(whole)):
    entry().write_bytes(damaged)
    jax.clear_caches()
    assert (wave(image) == expected).all()
    assert entry().stat().st_size > whole / 2 and entry().read_bytes() != damaged
warnings.warn("something else")
"""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_damaged_entries_are_made_anew_without_a_word(home):
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "something else" in done.stderr
    assert "cache" not in done.stderr


def test_entries_that_were_not_used_for_longest_are_removed(tmp_path):
    for age, name in enumerate(["new", "middle", "old", "oldest"]):
        path = tmp_path / f"jit_{name}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - 100 * age,) * 2)
    (tmp_path / "other").write_bytes(bytes(1000))
    limit_size(tmp_path, 250)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"jit_new-cache", "jit_middle-cache", "other"}


def test_cache_lies_in_the_user_s_cache_folder(home):
    assert cache_folder() == home / "jaxnst"


def test_entry_that_is_removed_meanwhile_is_no_error(tmp_path, monkeypatch):
    for name in ("jit_a-1-cache", "paint-2-exported"):
        (tmp_path / name).write_bytes(b"1234")
    stat = Path.stat

    def removing(path: Path, **options: bool) -> os.stat_result:
        if path.name == "jit_a-1-cache":
            raise FileNotFoundError
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", removing)
    limit_size(tmp_path, largest=1)
    assert [path.name for path in tmp_path.iterdir()] == ["jit_a-1-cache"]


def test_full_disk_is_not_told_in_every_run(tmp_path):
    script = """
import warnings
import jax
from jaxnst.cli.cache import use_compilation_cache
use_compilation_cache()
warnings.warn("Error writing persistent compilation cache entry for 'jit_paint': OSError")
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
