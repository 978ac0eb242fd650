"""The networks for super-resolution in plain torch, float32, with the same kernels, for comparison.

Images [1, 3, H, W] in [0, 1]. Paddings repeat the edge, as ours do.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from _torch_device import DEVICE
from torch import nn

from jaxnst.networks.kinds import Compact, UpscaleNetwork


class Convolution(nn.Module):
    """A convolution with the kernel and bias of one of ours."""

    def __init__(self, layer: Mapping[str, Any], shuffle: int = 1) -> None:
        """With `shuffle`, outputs are in the order of torch's PixelShuffle."""
        super().__init__()
        kernel, bias = (np.asarray(layer[name], np.float32) for name in ("kernel", "bias"))
        order = np.arange(len(bias)).reshape(shuffle**2, -1).T.ravel()
        weight = torch.from_numpy(kernel.transpose(3, 2, 0, 1)[order].copy())
        size = kernel.shape[0]
        self.conv = nn.Conv2d(
            weight.shape[1], len(bias), size, padding=size // 2, padding_mode="replicate"
        )
        self.conv.weight.data, self.conv.bias.data = weight, torch.from_numpy(bias[order])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


class TorchUpscaler(nn.Module):
    """Either network."""

    def __init__(self, network: UpscaleNetwork, kernels: Mapping[str, Any]) -> None:
        super().__init__()
        self._network = network
        shuffle = network.scale if isinstance(network, Compact) else 1
        self.layers = nn.ModuleDict(
            {
                name: Convolution(layer, shuffle if name == "out" else 1)
                for name, layer in kernels.items()
            }
        )
        self.to(DEVICE)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        network, layers = self._network, self.layers
        x = first = layers["first"](image - 0.5)
        if not isinstance(network, Compact):
            x = F.relu(x)
        for i in range(1, network.blocks + 1):
            x = x + layers[f"block{i}_2"](F.relu(layers[f"block{i}_1"](x)))
        # Only antialiased, torch has the kernel that ours and Matlab's have.
        bicubic = F.interpolate(image, scale_factor=network.scale, mode="bicubic", antialias=True)
        if isinstance(network, Compact):
            return bicubic + F.pixel_shuffle(layers["out"](x + first), network.scale)
        for i in range(1, network.scale.bit_length()):
            x = F.relu(layers[f"up{i}"](F.interpolate(x, scale_factor=2, mode="nearest")))
        return bicubic + layers["out"](x)


def enlarge(net: TorchUpscaler, photo: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to uint8 [scale H, scale W, 3]."""
    with torch.inference_mode():
        image = torch.from_numpy(photo.transpose(2, 0, 1)[None].astype(np.float32) / 255).to(DEVICE)
        result = net(image)[0].clamp(0, 1) * 255 + 0.5
    return result.to(torch.uint8).cpu().numpy().transpose(1, 2, 0)
