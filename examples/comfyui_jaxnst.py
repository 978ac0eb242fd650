"""A node for ComfyUI that runs files of `jaxnst export`. IT HAS NOT BEEN TRIED IN COMFYUI ITSELF.

This file goes into ComfyUI/custom_nodes, the .onnx files into ComfyUI/models/jaxnst, and ONNX
Runtime into ComfyUI's Python: pip install onnxruntime. The node is "jaxnst" in the menu "image".
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import onnxruntime
import torch

FOLDER = Path(folder_paths.models_dir) / "jaxnst"


class Jaxnst:
    """Paints pictures, or enlarges them."""

    CATEGORY = "image"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        names = sorted(path.name for path in FOLDER.glob("*.onnx"))
        return {"required": {"image": ("IMAGE",), "network": (names,)}}

    @classmethod
    def IS_CHANGED(cls, image: Any, network: str) -> int:  # noqa: N802
        """Has a picture painted again when the network's file is another."""
        return (FOLDER / network).stat().st_mtime_ns

    def run(self, image: Any, network: str) -> tuple[Any]:
        """Maps pictures [N, H, W, 3] in [0, 1] to as many."""
        session = _session(FOLDER / network, self.IS_CHANGED(image, network))
        pixels = image.cpu().numpy()[..., :3].astype(np.float32)
        takes_bytes = session.get_inputs()[0].type == "tensor(uint8)"
        if takes_bytes:  # exported without --float
            pixels = (255 * pixels.clip(0, 1) + 0.5).astype(np.uint8)
        # One by one: a batch may be a film.
        pictures = [session.run(["result"], {"image": one[None]})[0] for one in pixels]
        result = np.concatenate(pictures).astype(np.float32)
        return (torch.from_numpy(result / 255 if takes_bytes else result),)


@lru_cache(maxsize=2)
def _session(path: Path, version: int) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


NODE_CLASS_MAPPINGS = {"jaxnst": Jaxnst}
NODE_DISPLAY_NAME_MAPPINGS = {"jaxnst": "jaxnst"}
