"""Arrays from the files in which other programs keep weights. Nothing that a file holds is run."""

import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from jaxnst.errors import JaxnstError
from jaxnst.io.files import display_name, one_line


def read_pth_state(path: Path, name: str) -> dict[str, Any]:
    """The tensors of a PyTorch file, which may hold nothing that could run code."""
    with reading(name, "a PyTorch file"):
        import torch

        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(state, Mapping):
                raise pickle.UnpicklingError(type(state).__name__)
        except pickle.UnpicklingError as error:
            raise JaxnstError(
                f"{name}: is no state dict of plain tensors, and loading anything else could run "
                "code: save model.state_dict() and convert that"
            ) from error
        tensors = {k: v for k, v in unwrapped(state).items() if torch.is_tensor(v)}
        return {key: tensor.detach() for key, tensor in tensors.items()}


def unwrapped(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state dict out of the checkpoint that a trainer has wrapped it in.

    Trainers keep it under a name beside the optimizer's state, and `DataParallel` and compiled
    modules begin every name with their own.
    """
    for name in ("state_dict", "model_state_dict", "model"):
        if isinstance(state.get(name), Mapping):
            return unwrapped(state[name])
    for prefix in ("module.", "_orig_mod."):
        if state and all(key.startswith(prefix) for key in state):
            return unwrapped({key.removeprefix(prefix): state[key] for key in state})
    return dict(state)


def read_safetensors_state(path: Path, name: str) -> dict[str, Any]:
    """The arrays of a safetensors file."""
    # Through JAX's types, as NumPy has no bfloat16.
    with reading(name, "a safetensors file"), safe_open(path, framework="flax") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def hwio(array: np.ndarray) -> np.ndarray:
    """Kernels from [C_out, C_in, 3, 3] to [3, 3, C_in, C_out]; biases as they are."""
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Turns whatever a foreign reader raises on a bad file into one line."""
    try:
        yield
    except JaxnstError:
        raise
    except ImportError as error:
        raise JaxnstError(
            f"{name}: reading {kind} needs {error.name}: pip install 'jaxnst[convert]'"
        ) from error
    except Exception as error:
        raise JaxnstError(f"{name}: cannot be read as {kind} ({one_line(error)})") from error


def some(names: Iterable[str], limit: int = 6) -> str:
    """The first few of many names, for one line."""
    names = [display_name(name) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
