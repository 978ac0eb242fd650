"""What a command does not use it does not import: that would be time that users wait."""

import subprocess
import sys
from pathlib import Path

import pytest
from model_files import model_file
from stylize_files import picture

# Video, cameras, plots, optimizers, training, the page, foreign weights, and a library's worth of
# each that must not come in by a side door.
HEAVY = (
    *("av", "cv2", "matplotlib", "optax", "orbax", "grain", "tensorflow", "tensorflow_datasets"),
    *("tensorboardX", "gradio", "torch", "h5py", "onnx", "scipy", "pandas", "pyvirtualcam"),
    *("jaxnst.optimize.run", "jaxnst.perceptual.tiled_loss", "jaxnst.training.run"),
    *("jaxnst.training.step", "jaxnst.io.video_reader", "jaxnst.io.video_writer"),
    *("jaxnst.inference.realtime", "jaxnst.cli.run_optimize", "jaxnst.cli.video_maker"),
)

SCRIPT = """
import sys
from jaxnst.cli import main
assert main(sys.argv[2:]) == 0
print("imported:", *(name for name in ["jax", *sys.argv[1].split()] if name in sys.modules))
"""


def test_painting_in_one_pass_imports_nothing_heavy(tmp_path: Path) -> None:
    photo, out = picture(tmp_path / "photo.png"), tmp_path / "out.png"
    words = ["stylize", photo, "--model", model_file(tmp_path), "-o", out]
    command = [sys.executable, "-c", SCRIPT, " ".join(HEAVY), *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert out.is_file()
    assert done.stdout.splitlines()[-1] == "imported: jax"


@pytest.mark.slow
def test_a_picture_of_a_known_size_is_painted_without_flax(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    photo = picture(tmp_path / "photo.png")
    for wanted in ("imported: jax flax", "imported: jax"):
        words = ["stylize", photo, "--style", "starry_night", "-o", tmp_path / "out.png"]
        command = [sys.executable, "-c", SCRIPT, "flax", *map(str, words), "--overwrite"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        assert done.stdout.splitlines()[-1] == wanted
