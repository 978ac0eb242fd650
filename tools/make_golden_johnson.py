"""Makes tests/golden/johnson_checkpoint.npz and johnson_painting.npy: a tiny network run in torch.

    python tools/make_golden_johnson.py

The checkpoint has the layers of pytorch/examples' fast_neural_style, two channels wide, with two
blocks, random values that PyTorch draws, and the names of the published .npz files. The painting
is what the network makes of the first 32 x 40 pixels of tests/golden/photo.png, RGB in 0..255.
"""

import re
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
sys.path.insert(0, str(ROOT / "benchmarks"))

from _torch_johnson import TransformerNet  # noqa: E402


def main() -> None:
    torch.manual_seed(0)
    net = TransformerNet(width=2, blocks=2)
    with torch.no_grad():
        for key, value in net.named_parameters():
            if re.search(r"in\d\.", key):  # PyTorch starts norms at 1 and 0
                value += 0.3 * torch.randn(value.shape)
        net.deconv3.conv2d.weight *= 60  # 0..255 comes out
        net.deconv3.conv2d.bias += 100
        photo = np.asarray(Image.open(GOLDEN / "photo.png"))[:32, :40]
        image = torch.from_numpy(photo.transpose(2, 0, 1).astype(np.float32))[None]
        painting = net(image)[0].numpy().transpose(1, 2, 0)
    arrays = {short_name(key): value.numpy() for key, value in net.state_dict().items()}
    np.savez(GOLDEN / "johnson_checkpoint.npz", allow_pickle=False, **arrays)
    np.save(GOLDEN / "johnson_painting.npy", np.ascontiguousarray(painting))
    print(f"{len(arrays)} arrays; painting {painting.min():.0f} to {painting.max():.0f}")


def short_name(key: str) -> str:
    """`in4.weight` as `deconv1.in_gamma`, `res1.conv1.conv2d.bias` as `res1.conv1.bias`."""
    if not re.search(r"in\d\.", key):
        return key.replace(".conv2d.", ".")
    key = key.replace(".weight", ".in_gamma").replace(".bias", ".in_beta")
    key = key.replace("in4.", "deconv1.").replace("in5.", "deconv2.")
    return re.sub(r"\bin(\d)\.", r"conv\1.", key)


if __name__ == "__main__":
    main()
