"""The same loss in plain torch, for comparison: VGG-16 or 19, relative errors, Gram matrices."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from _torch_device import DEVICE

from jaxnst.perceptual import vgg, vgg_layers
from jaxnst.perceptual.loss_options import LossOptions


class TorchLoss:
    """`jaxnst.perceptual_loss` with one style, max pooling and Gram matrices, in torch float32."""

    def __init__(
        self, params: vgg.Params, content: np.ndarray, style: np.ndarray, options: LossOptions
    ) -> None:
        """Takes the weights of JAX and the pictures [H, W, 3] in [0, 1]."""
        self._options, self._net = options, vgg.net_of(params)
        self._mean = _tensor(params["mean"]).reshape(1, 3, 1, 1)
        self._weights = {
            name: (_oihw(layer["kernel"]), _tensor(layer["bias"]))
            for name, layer in params.items()
            if name.startswith("conv")
        }
        with torch.no_grad():
            self._content = self._features(to_torch(content), options.content_layers)
            styles = self._features(to_torch(style), options.style_layers)
            self._style = {layer: _gram(f) for layer, f in styles.items()}

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """The loss of an image [1, 3, H, W] in [0, 1]."""
        o = self._options
        features = self._features(image, (*o.content_layers, *o.style_layers))
        content = [_error(features[layer], target) for layer, target in self._content.items()]
        style = [_error(_gram(features[layer]), target) for layer, target in self._style.items()]
        return o.content_weight * _mean(content) + o.style_weight * _mean(style)

    def _features(self, x: torch.Tensor, layers: Sequence[str]) -> Mapping[str, torch.Tensor]:
        found, x = {}, x - self._mean
        for name in vgg_layers.computed_layers(self._net, layers):
            if name == "conv1_1" and self._options.border == "edge":
                x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), *self._weights[name])
            elif name.startswith("conv"):
                x = F.conv2d(x, *self._weights[name], padding=1)
            else:
                x = F.relu(x) if name.startswith("relu") else F.max_pool2d(x, 2)
            if name in layers:
                found[name] = x
        return found


def to_torch(image: np.ndarray) -> torch.Tensor:
    """[H, W, 3] to [1, 3, H, W]."""
    return _tensor(image.transpose(2, 0, 1))[None]


def _oihw(kernel: object) -> torch.Tensor:
    return _tensor(np.asarray(kernel).transpose(3, 2, 0, 1))


def _tensor(array: object) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array), device=DEVICE)


def _gram(features: torch.Tensor) -> torch.Tensor:
    flat = features.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


def _error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).square().sum() / b.square().sum()


def _mean(terms: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms)).mean()
