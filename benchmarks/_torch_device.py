"""Where torch computes: on a GPU if there is one, as JAX does."""

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

if DEVICE.type == "cuda":
    torch.backends.cudnn.benchmark = True  # it tries its algorithms, as XLA does
