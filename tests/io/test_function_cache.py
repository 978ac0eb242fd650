"""Traces kept on disk: found again, never wrong, never in the way."""

from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from jaxnst.io.function_cache import SUFFIX, CachedFunction, cached_jit

X = np.arange(6, dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The cache's folder, in use."""
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()  # JAX goes on with the folder that it first found there


@pytest.fixture
def every_one_is_kept() -> Iterator[None]:
    """JAX keeps what was compiled in no time, too."""
    setting = "jax_persistent_cache_min_compile_time_secs"
    before = jax.config.values[setting]
    jax.config.update(setting, 0.0)
    yield
    jax.config.update(setting, before)


def make() -> tuple[CachedFunction, list[int]]:
    """A function as a new process has it, and the factors it was traced with."""
    traces: list[int] = []

    @cached_jit(static=("factor",))
    def scaled(factor: int, arrays: dict[str, jax.Array], shift: jax.Array | None = None):
        traces.append(factor)
        y = factor * arrays["x"].astype(jnp.float32)
        return {"y": y if shift is None else y + shift}

    return scaled, traces


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def test_second_process_does_not_trace(folder):
    for expected in ([2], []):
        scaled, traces = make()
        np.testing.assert_array_equal(scaled(2, {"x": X})["y"], 2 * X)
        np.testing.assert_array_equal(scaled(2, {"x": X + 1})["y"], 2 * X + 2)
        assert traces == expected
    assert len(files(folder)) == 1


def test_every_shape_type_and_setting_has_a_trace_of_its_own(folder):
    calls: list[Callable[[CachedFunction], dict]] = [
        lambda f: f(2, {"x": X}),
        lambda f: f(3, {"x": X}),
        lambda f: f(2, {"x": X[:4]}),
        lambda f: f(2, {"x": X.astype(np.uint8)}),
        lambda f: f(2, {"x": X}, np.float32(1)),
        lambda f: f(factor=2, arrays={"x": X}, shift=np.ones(6, np.float32)),
    ]
    wanted = [2 * X, 3 * X, 2 * X[:4], 2 * X, 2 * X + 1, 2 * X + 1]
    for _ in range(2):
        scaled, _traces = make()
        for call, want in zip(calls, wanted, strict=True):
            np.testing.assert_array_equal(call(scaled)["y"], want)
    assert len(files(folder)) == len(calls)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:50], lambda data: b"", lambda data: data + b"!"]
)
def test_damaged_file_is_traced_and_written_anew(folder, damage):
    scaled, _ = make()
    scaled(2, {"x": X})
    (path,) = files(folder)
    path.write_bytes(damage(path.read_bytes()))
    for expected in ([2], []):
        scaled, traces = make()
        np.testing.assert_array_equal(scaled(2, {"x": X})["y"], 2 * X)
        assert traces == expected


def test_file_under_the_name_of_another_is_not_taken_for_it(folder):
    scaled, _ = make()
    for factor in (2, 3):
        scaled(factor, {"x": X})
    one, other = files(folder)
    one.write_bytes(other.read_bytes())
    scaled, traces = make()
    for factor in (2, 3):
        np.testing.assert_array_equal(scaled(factor, {"x": X})["y"], factor * X)
    assert len(traces) == 1


def test_compiled_functions_bear_their_names(folder, every_one_is_kept):
    """When one is damaged, JAX names it, and all of that name go."""
    for _ in range(2):
        make()[0](2, {"x": X})
        names = {path.name.split("-")[0] for path in folder.glob("*-cache")}
        assert names == {"jit_scaled"}


def test_without_a_folder_it_is_a_jitted_function():
    assert not jax.config.values["jax_compilation_cache_dir"]
    scaled, traces = make()
    for _ in range(2):
        np.testing.assert_array_equal(scaled(2, {"x": X})["y"], 2 * X)
    assert traces == [2]


def test_folder_that_is_gone_is_no_obstacle(folder):
    jax.config.update("jax_compilation_cache_dir", str(folder / "gone"))
    scaled, _ = make()
    np.testing.assert_array_equal(scaled(2, {"x": X})["y"], 2 * X)


def test_within_a_jitted_function_it_is_traced_with_it(folder):
    scaled, _ = make()
    np.testing.assert_array_equal(jax.jit(lambda x: scaled(2, {"x": x})["y"])(X), 2 * X)
    assert not files(folder)


def test_function_that_cannot_be_exported_is_called_all_the_same(folder):
    @cached_jit()
    def told(x: jax.Array) -> jax.Array:
        return jax.pure_callback(
            lambda x: 2 * np.asarray(x), jax.ShapeDtypeStruct((6,), "float32"), x
        )

    np.testing.assert_array_equal(told(X), 2 * X)
    assert not files(folder)


def test_two_functions_of_one_name_are_told_apart(folder):
    @cached_jit()
    def same(x: jax.Array) -> jax.Array:
        return x + 1

    first = same

    def other() -> CachedFunction:
        @cached_jit()
        def same(x: jax.Array) -> jax.Array:
            return x + 2

        return same

    np.testing.assert_array_equal(first(X), X + 1)
    np.testing.assert_array_equal(other()(X), X + 2)
