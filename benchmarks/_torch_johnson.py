"""The network of pytorch/examples' fast_neural_style in plain torch, float32, for comparison.

Reflection padding before each convolution, instance norm with affine parameters, nearest-neighbor
upsampling; RGB [N, 3, H, W] in 0..255 at both ends. State dicts have the same names as theirs.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from _torch_device import DEVICE
from torch import nn

_NORMS = {"conv1": "in1", "conv2": "in2", "conv3": "in3", "deconv1": "in4", "deconv2": "in5"}


class ConvLayer(nn.Module):
    """A convolution behind reflection padding and, if asked for, a doubling."""

    def __init__(self, c_in: int, c_out: int, size: int, stride: int = 1, upsample: int = 1):
        super().__init__()
        self.upsample = upsample
        self.reflection_pad = nn.ReflectionPad2d(size // 2)
        self.conv2d = nn.Conv2d(c_in, c_out, size, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.upsample > 1:
            x = F.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


class ResidualBlock(nn.Module):
    """Two convolutions and norms beside the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = ConvLayer(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = ConvLayer(channels, channels, 3)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.in2(self.conv2(F.relu(self.in1(self.conv1(x))))) + x


class TransformerNet(nn.Module):
    """The whole network; `width` channels at full size, 32 in theirs."""

    def __init__(self, width: int = 32, blocks: int = 5):
        super().__init__()
        self.blocks = blocks
        w = width
        self.conv1, self.in1 = ConvLayer(3, w, 9), nn.InstanceNorm2d(w, affine=True)
        self.conv2, self.in2 = ConvLayer(w, 2 * w, 3, 2), nn.InstanceNorm2d(2 * w, affine=True)
        self.conv3, self.in3 = ConvLayer(2 * w, 4 * w, 3, 2), nn.InstanceNorm2d(4 * w, affine=True)
        for i in range(1, blocks + 1):
            setattr(self, f"res{i}", ResidualBlock(4 * w))
        self.deconv1 = ConvLayer(4 * w, 2 * w, 3, upsample=2)
        self.in4 = nn.InstanceNorm2d(2 * w, affine=True)
        self.deconv2 = ConvLayer(2 * w, w, 3, upsample=2)
        self.in5 = nn.InstanceNorm2d(w, affine=True)
        self.deconv3 = ConvLayer(w, 3, 9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in ((self.conv1, self.in1), (self.conv2, self.in2), (self.conv3, self.in3)):
            x = F.relu(norm(conv(x)))
        for i in range(1, self.blocks + 1):
            x = getattr(self, f"res{i}")(x)
        for conv, norm in ((self.deconv1, self.in4), (self.deconv2, self.in5)):
            x = F.relu(norm(conv(x)))
        return self.deconv3(x)


def load_npz(path: Path) -> TransformerNet:
    """The network of one of the published checkpoints as .npz."""
    net = TransformerNet()
    with np.load(path, allow_pickle=False) as file:
        state = {_torch_name(key): torch.tensor(file[key]).float() for key in file.files}
    net.load_state_dict(state)  # strict: all names and shapes
    return net.eval().to(DEVICE)


def stylize(net: nn.Module, photo: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to uint8 [H, W, 3], rounded to the nearest."""
    image = torch.from_numpy(photo.transpose(2, 0, 1).astype(np.float32))[None].to(DEVICE)
    with torch.inference_mode():
        painting = net(image)[0].clamp(0, 255)
    return (painting + 0.5).to(torch.uint8).cpu().numpy().transpose(1, 2, 0)


def _torch_name(key: str) -> str:
    layer, part = key.rsplit(".", 1)
    if not part.startswith("in_"):
        return f"{layer}.conv2d.{part}"
    norm = layer.replace("conv", "in") if layer.startswith("res") else _NORMS[layer]
    return f"{norm}.{'weight' if part == 'in_gamma' else 'bias'}"
