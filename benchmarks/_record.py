"""What a benchmark writes with --out: its figures as JSON, with machine, day and commit."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax

ROOT = Path(__file__).parent.parent


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A benchmark's options: those that all have, described by the first line of its docstring."""
    found = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    found.add_argument("--data", type=Path, required=True, help="folder of photos and paintings")
    found.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there, too")
    return found


def write(out: Path | None, figures: Mapping[Any, Any]) -> None:
    """Writes the figures of a run and where they come from, if a file was asked for.

    Before that, what both programs held of a GPU's memory at their peaks is printed.
    """
    memory = gpu_memory()
    for name, peak in memory.items():
        print(f"{name}: at most {peak / 1e6:.0f} MB of the GPU's memory")
    if out:
        today = datetime.now(UTC).date().isoformat()
        found = {"machine": machine(), "date": today, "commit": commit(), "figures": figures}
        found |= {"gpu_memory": memory} if memory else {}
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1, default=float) + "\n")


def machine() -> dict[str, Any]:
    """The processor, how much of it there is, what JAX computes on, and the versions."""
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "device": jax.devices()[0].device_kind,
        "python": platform.python_version(),
        "jax": importlib.metadata.version("jax"),
    }


def gpu_memory() -> dict[str, int]:
    """Bytes held at the peak, by JAX and by torch if it was used; empty without a GPU."""
    held = (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    found = {"jax": held} if held else {}
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        found["torch"] = torch.cuda.max_memory_allocated()
    return found


def commit() -> str:
    """Of the working tree; ends with "-dirty" if it has changes, "" outside of git."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def _processor() -> str:
    """The processor's name; Linux has it in a file, and elsewhere Python knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
