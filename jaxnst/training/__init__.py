"""Training of transform networks: data, a step on all devices, checkpoints, the loop."""
