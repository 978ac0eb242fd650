"""Our L-BFGS, bounded and without a line search, against optax's, unbounded and with one.

    python benchmarks/line_search.py --data DIR [--out FILE.json]

Prints the loss that each has after as many evaluations. DIR holds content/tubingen.jpg and
styles/starry_night_full.jpg.
"""

from collections.abc import Callable
from pathlib import Path

import _record
import jax
import jax.numpy as jnp
import optax

from jaxnst.io.codec import load
from jaxnst.io.resize import fit_long_side, resize
from jaxnst.optimize.objective import loss_and_gradient
from jaxnst.optimize.optimizer import Evaluate
from jaxnst.optimize.presets import load_preset
from jaxnst.optimize.projected_lbfgs import ProjectedLbfgs
from jaxnst.perceptual.losses import perceptual_loss
from jaxnst.perceptual.targets import Targets, content_targets, style_targets
from jaxnst.perceptual.weights import load_vgg

SIZE = 256
MEMORY = 20
BUDGETS = (20, 40, 60, 80)


def main() -> None:
    """Prints the comparison."""
    args = _record.parser(__doc__).parse_args()
    options, params = load_preset("fast").loss, load_vgg("vgg16")
    content, style = (
        jnp.asarray(_sized(args.data / name))
        for name in ("content/tubingen.jpg", "styles/starry_night_full.jpg")
    )
    targets = Targets(
        content_targets(params, content, options), (style_targets(params, style, options),)
    )
    ours = _ours(lambda image: loss_and_gradient(params, image, targets, options), content)
    theirs = _optax(lambda image: perceptual_loss(params, image, targets, options)[0], content)
    print(f"{'evaluations':>11} {'jaxnst':>9} {'optax':>9}")
    for budget in BUDGETS:
        print(f"{budget:>11} {_at(ours, budget):>9.4f} {_at(theirs, budget):>9.4f}")
    _record.write(
        args.out,
        {
            name: {budget: _at(curve, budget) for budget in BUDGETS}
            for name, curve in (("jaxnst", ours), ("optax", theirs))
        },
    )


Curve = list[tuple[int, float]]
"""Evaluations so far, and the loss."""


def _at(curve: Curve, budget: int) -> float:
    return min(loss for count, loss in curve if count <= budget)


def _sized(path: Path) -> jax.Array:
    picture = load(path).rgb
    return jnp.asarray(resize(picture, fit_long_side(picture.shape[:2], SIZE)))


def _ours(evaluate: Evaluate, image: jax.Array) -> Curve:
    lbfgs = ProjectedLbfgs(MEMORY)
    state = lbfgs.init(evaluate, image)
    curve = [(1, state.loss)]
    while curve[-1][0] < max(BUDGETS):
        state = lbfgs.step(evaluate, state)
        curve.append((curve[-1][0] + 1, state.loss))
    return curve


def _optax(loss: Callable[[jax.Array], jax.Array], image: jax.Array) -> Curve:
    """optax.lbfgs as it comes; each step of its line search is an evaluation with gradient."""
    optimizer = optax.lbfgs(memory_size=MEMORY)
    value_and_grad = optax.value_and_grad_from_state(loss)

    @jax.jit
    def step(image: jax.Array, state: optax.OptState) -> tuple[jax.Array, optax.OptState]:
        value, gradient = value_and_grad(image, state=state)
        updates, state = optimizer.update(
            gradient, state, image, value=value, grad=gradient, value_fn=loss
        )
        return optax.apply_updates(image, updates), state

    state, curve = optimizer.init(image), [(1, float(loss(image)))]
    while curve[-1][0] < max(BUDGETS):
        image, state = step(image, state)
        count = int(optax.tree_utils.tree_get(state, "info").num_linesearch_steps)
        value = float(optax.tree_utils.tree_get(state, "value"))
        curve.append((curve[-1][0] + count, value))
    return curve


if __name__ == "__main__":
    main()
