"""The training step of pytorch/examples' fast_neural_style in plain torch, float32, for comparison.

The step is theirs: features of painting and photo up to the deepest style layer. VGG's weights are
ours.
"""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from _torch_device import DEVICE
from _torch_johnson import TransformerNet

from jaxnst.perceptual import vgg, vgg_layers

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
CONTENT_WEIGHT, STYLE_WEIGHT, LEARNING_RATE = 1e5, 1e10, 1e-3  # theirs


class TorchStep:
    """The inner loop of pytorch/examples' neural_style.py, on a GPU if there is one."""

    def __init__(self, params: vgg.Params, painting: np.ndarray, photos: np.ndarray) -> None:
        """Takes the painting [H, W, 3] in [0, 1] and a batch uint8 [N, H, W, 3]."""
        self._weights = {
            name: (_nchw(layer["kernel"], (3, 2, 0, 1)), _nchw(layer["bias"], (0,)))
            for name, layer in params.items()
            if name.startswith("conv")
        }
        self._mean = _nchw(params["mean"], (0,)).reshape(1, 3, 1, 1)
        self._photos = _nchw(photos.astype(np.float32), (0, 3, 1, 2))
        self._net = TransformerNet().to(DEVICE)
        self._optimizer = torch.optim.Adam(self._net.parameters(), LEARNING_RATE)
        with torch.no_grad():
            features = self._features(255 * _nchw(painting[None], (0, 3, 1, 2)))
        self._grams = [_gram(f).expand(len(photos), -1, -1) for f in features.values()]

    def __call__(self) -> None:
        """One step."""
        self._optimizer.zero_grad()
        painting = self._net(self._photos)
        features, wanted = self._features(painting), self._features(self._photos)
        loss = CONTENT_WEIGHT * F.mse_loss(features["relu2_2"], wanted["relu2_2"])
        for feature, gram in zip(features.values(), self._grams, strict=True):
            loss = loss + STYLE_WEIGHT * F.mse_loss(_gram(feature), gram)
        loss.backward()
        self._optimizer.step()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    def _features(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The layers that are compared, of an image in 0..255."""
        found, x = {}, image / 255 - self._mean
        for name in vgg_layers.computed_layers("vgg16", LAYERS):
            if name.startswith("conv"):
                x = F.conv2d(x, *self._weights[name], padding=1)
            else:
                x = F.relu(x) if name.startswith("relu") else F.max_pool2d(x, 2)
            if name in LAYERS:
                found[name] = x
        return found


def _nchw(array: object, order: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(np.asarray(array).transpose(order)), device=DEVICE)


def _gram(features: torch.Tensor) -> torch.Tensor:
    n, c, h, w = features.shape
    flat = features.view(n, c, h * w)
    return flat.bmm(flat.transpose(1, 2)) / (c * h * w)
