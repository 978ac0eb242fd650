"""The state of an unfinished run in a file, from which it continues exactly.

A safetensors file: arrays by name, and the rest as JSON in its metadata. It names the job that it
belongs to, so that the state of one is not taken for that of another.
"""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from jaxnst.errors import JaxnstError
from jaxnst.io.files import atomic_write, display_name, one_line
from jaxnst.optimize.optimizer import OptimizerState
from jaxnst.optimize.projected_adam import AdamState
from jaxnst.optimize.projected_lbfgs import LbfgsState
from jaxnst.optimize.run import RunState

_STATES: dict[str, type[OptimizerState]] = {kind.__name__: kind for kind in (AdamState, LbfgsState)}


def save_snapshot(path: Path, state: RunState, job: str) -> None:
    """Writes a state, whole or not at all.

    Args:
      path: of the file.
      state: as a run yields it.
      job: what tells this job from others, such as a hash of its inputs and options.
    """
    packed = state.optimizer.pack()
    pictures = {"average": state.average, "matched": state.matched}
    packed |= {name: picture for name, picture in pictures.items() if picture is not None}
    arrays = {name: value for name, value in packed.items() if isinstance(value, jax.Array)}
    numbers = {
        "job": job,
        "optimizer": type(state.optimizer).__name__,
        "scale": state.scale,
        "iteration": state.iteration,
        **{name: value for name, value in packed.items() if name not in arrays},
    }
    with atomic_write(path) as temporary:
        host = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        temporary.touch()
        mode = temporary.stat().st_mode  # as the umask has it; safetensors would make it private
        save_file(host, temporary, metadata={"jaxnst": json.dumps(numbers)})
        temporary.chmod(mode)


def load_snapshot(path: Path, job: str) -> RunState:
    """Reads a state that `save_snapshot` wrote.

    Raises:
      JaxnstError: the file is not a snapshot, is damaged, or belongs to another job.
    """
    name = display_name(path)
    try:
        with safe_open(path, framework="numpy") as file:
            numbers = json.loads((file.metadata() or {})["jaxnst"])
            arrays = {key: jnp.asarray(file.get_tensor(key)) for key in file.keys()}  # noqa: SIM118
        if numbers["job"] == job:
            return _state(numbers, arrays)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise JaxnstError(
            f"{name}: not a snapshot that can be read ({one_line(error)}): delete it to start anew"
        ) from error
    raise JaxnstError(
        f"{name}: is the snapshot of another job (other pictures or options): delete it to start "
        f"anew, or give the options it was made with"
    )


def _state(numbers: dict[str, Any], arrays: dict[str, jax.Array]) -> RunState:
    kind = _STATES[numbers["optimizer"]]
    optimizer = kind.unpack({**numbers, **arrays})
    pictures = (arrays.get(name) for name in ("average", "matched"))
    return RunState(numbers["scale"], numbers["iteration"], optimizer, *pictures)
