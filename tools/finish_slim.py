"""The last touches to a slim network of one style that was trained with strengths.

    python tools/finish_slim.py MODEL.safetensors --photos DIR --style NAME -o OUT.safetensors

First the condition of the photo is trained some more by itself, for the squared error of the pixels
alone, which takes two minutes: the style's losses pull at the kernels that both share.

Then the grid is taken out. The network's last layer makes a block of four pixels from each
position, with a bias for each; in training the means of the four drift apart by one or two 255ths,
the same in every picture. Their difference is taken off the biases: exactly at strength 1.

The card tells of both. DIR has photos to train on, none of the held-out ones.
"""

import argparse
import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxnst.inference import Stylizer
from jaxnst.models import PHOTO, Model, load_model, save_model
from jaxnst.networks import paint
from jaxnst.training.data import DataOptions, batches, open_data

STEPS, BATCH, RATE = 500, 4, 1e-2
MEASURED = 64  # photos


def main() -> None:
    """Prints errors and offsets before and after, in 255ths."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--held-out-list", default="")
    parser.add_argument("--style", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    options = DataOptions(
        source=f"folder:{args.photos}", batch=BATCH, held_out_list=args.held_out_list
    )
    model = with_photo_trained(load_model(args.model), options)
    found = offsets(model, options, args.style)
    model = with_less_bias(model, found / 255)
    left = offsets(model, options, args.style)
    print(f"largest offset in a block: {np.abs(found).max():.2f}, now {np.abs(left).max():.2f}")
    finish = f"photo trained for {STEPS} steps of {BATCH}; biases levelled for {args.style}"
    save_model(args.output, dataclasses.replace(model, card={**model.card, "finish": finish}))


def with_photo_trained(model: Model, options: DataOptions) -> Model:
    """The model with the photo's condition fitted to the pixels."""
    tx = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))
    condition = jnp.asarray(model.conditions[model.rows.index(PHOTO)])

    def error(condition: jax.Array, image: jax.Array) -> jax.Array:
        rows = jnp.tile(condition, (len(image), 1))
        painting = paint(model.network, {"params": model.kernels}, image, rows)
        return jnp.mean(jnp.square(painting - image))

    @jax.jit
    def step(
        condition: jax.Array, state: optax.OptState, image: jax.Array
    ) -> tuple[jax.Array, optax.OptState, jax.Array]:
        value, gradient = jax.value_and_grad(error)(condition, image)
        updates, state = tx.update(gradient, state)
        return optax.apply_updates(condition, updates), state, value

    state, errors = tx.init(condition), []
    stream = batches(open_data(options, seed=0).train, options, seed=7)
    for _ in range(STEPS):
        image = jnp.asarray(next(stream)["image"], jnp.float32) / 255
        condition, state, value = step(condition, state, image)
        errors.append(255 * float(value) ** 0.5)
    print(f"error at strength 0: {np.mean(errors[:5]):.1f}, now {np.mean(errors[-50:]):.1f} of 255")
    conditions = model.conditions.copy()
    conditions[model.rows.index(PHOTO)] = condition
    return dataclasses.replace(model, conditions=conditions)


def offsets(model: Model, options: DataOptions, style: str) -> np.ndarray:
    """Mean of each of the four pixels of a block less that of all, [4, 3], in 255ths."""
    stylizer, found = Stylizer(model), []
    stream = batches(open_data(options, seed=0).train, options, seed=8)
    for _ in range(MEASURED // BATCH):
        painting = stylizer(next(stream)["image"], style).astype(np.float64)
        n, height, width = painting.shape[:3]
        blocks = painting.reshape(n, height // 2, 2, width // 2, 2, 3)
        means = blocks.mean((0, 1, 3)).reshape(4, 3)
        found.append(means - means.mean(0))
    return np.mean(found, axis=0)


def with_less_bias(model: Model, less: np.ndarray) -> Model:
    """The model with so much less of each bias of the last layer."""
    kernels = jax.tree.map(np.array, dict(model.kernels))
    kernels["decoder"]["out"]["bias"] -= less.reshape(-1).astype(np.float32)
    return dataclasses.replace(model, kernels=kernels)


if __name__ == "__main__":
    main()
