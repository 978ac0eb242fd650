"""Paints a photo, or enlarges it, by a file of `jaxnst export`: python paint.py FILE.onnx IN OUT"""

import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main(network: str, photo: str, result: str) -> None:
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    with Image.open(photo) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))  # [H, W, 3], uint8
    (pictures,) = session.run(["result"], {"image": pixels[None]})
    Image.fromarray(pictures[0]).save(result)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
