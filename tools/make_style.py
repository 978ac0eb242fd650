"""Paint the bundled style pictures: thousands of brush strokes along a flow field.

Nothing here is taken from an existing painting. A scene is a direction field, a tone field and the
chances of a few color ramps, computed from noise and hand-placed vortices or facets. Strokes are
laid from large to small; each has its own color, follows the field, and writes a height map
beside its color, which is then lit from the upper left like thick oil paint.

    python tools/make_style.py --which all
"""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.floating]
Rng = np.random.Generator

ASSETS = Path(__file__).resolve().parents[1] / "jaxnst" / "assets" / "styles"
SUPERSAMPLE = 2  # strokes are drawn at twice the final size, which anti-aliases them
PATH_POINTS = 16  # steps along the center line of a stroke, before interpolation
STREAK_SIZE = 1024  # side of the square of bristle noise that strokes are cut from


@dataclass(frozen=True)
class Brush:
    """What one kind of brush does to the paint.

    Attributes:
        taper: How far the ends narrow, from 0 (a blunt knife) to 1 (a point).
        streak: Strength of the lighter and darker lines that the bristles leave.
        dryness: How early the stroke runs out of paint and breaks up, 0 to 1.
        ridge: Height of the rim of paint that is pushed to the sides.
        edge_wear: How much paint is missing at the two edges, 0 to 1.
    """

    taper: float
    streak: float
    dryness: float
    ridge: float
    edge_wear: float


@dataclass(frozen=True)
class Layer:
    """One pass over the canvas with strokes of one size.

    Attributes:
        width: Mean width of a stroke, as a share of the long side of the picture.
        length: Mean length of a stroke, in widths.
        coverage: Sum of the stroke areas, as a share of the canvas.
        tone_jitter: Spread of the tone from stroke to stroke.
        contrast: Factor on the tone's distance from the middle; under 1 flattens.
        angle_jitter: Spread of the strokes about the flow, in radians.
    """

    width: float
    length: float
    coverage: float
    tone_jitter: float
    contrast: float
    angle_jitter: float = 0.10


@dataclass(frozen=True)
class Scene:
    """What to paint.

    Attributes:
        flow: Unit direction of the strokes, [height, width, 2] as (x, y).
        tone: Place on the color ramps, 0 (dark) to 1 (light), [height, width].
        base: Colors from dark to light, [n, 3] in 0..1.
        accents: Further ramps, each with the chance that a stroke takes it, [height, width].
        ground: Color of the primed canvas.
        brush: The brush for all layers.
        layers: Passes, from the underpainting to the accents.
    """

    flow: Array
    tone: Array
    base: Array
    accents: tuple[tuple[Array, Array], ...]
    ground: Array
    brush: Brush
    layers: tuple[Layer, ...]


@dataclass
class Canvas:
    """Color and thickness of the paint laid so far, flattened over the pixels."""

    color: Array
    height: Array
    size: tuple[int, int]  # height, width


@dataclass(frozen=True)
class Vortex:
    """One whirl in the sky, in units of the picture's height.

    Attributes:
        x, y: Center.
        radius: Distance at which its pull on the strokes fades.
        spin: +1 clockwise, -1 the other way round.
        inflow: Tangent of the angle at which strokes spiral inwards; 0 gives rings.
        arms: Number of spiral arms; 0 for a glowing light.
        glow: Share of warm colors, 0 to 1.
    """

    x: float
    y: float
    radius: float
    spin: float
    inflow: float
    arms: int
    glow: float


# ---------------------------------------------------------------- fields


def palette(*codes: str) -> Array:
    """Parses hex colors into an [n, 3] array in 0..1."""
    values = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes]
    return np.asarray(values, np.float32) / 255


def smooth_noise(rng: Rng, size: tuple[int, int], cell: float, octaves: int = 1) -> Array:
    """Sums octaves of interpolated random grids.

    Args:
        rng: Source of randomness.
        size: Height and width of the result.
        cell: Distance of the grid points of the first octave, in pixels.
        octaves: Number of octaves; each halves the cell and the weight.

    Returns:
        Noise of zero mean and unit variance.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        step = cell / 2**octave
        grid = (int(height / step) + 4, int(width / step) + 4)
        coarse = rng.standard_normal(grid).astype(np.float32)
        full = (int(grid[1] * step) + 1, int(grid[0] * step) + 1)
        fine = cv2.resize(coarse, full, interpolation=cv2.INTER_CUBIC)
        total += fine[:height, :width] / 2**octave
    return (total - total.mean()) / total.std()


def coordinates(size: tuple[int, int]) -> tuple[Array, Array]:
    """Returns x and y of each pixel in units of the picture's height."""
    rows, columns = np.indices(size, dtype=np.float32)
    return columns / size[0], rows / size[0]


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Rises smoothly from 0 at `low` to 1 at `high`; `low` may be the larger one."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def curl(potential: Array) -> tuple[Array, Array]:
    """Returns the unit vectors along the level lines of a potential."""
    down, right = np.gradient(potential)
    norm = np.hypot(down, right) + 1e-6
    return down / norm, -right / norm


def unit_field(x: Array, y: Array) -> Array:
    """Stacks two components into a field of unit vectors."""
    field = np.stack([x, y], axis=-1)
    return (field / (np.linalg.norm(field, axis=-1, keepdims=True) + 1e-6)).astype(np.float32)


def vortex_flow(vortex: Vortex, dx: Array, dy: Array, radius: Array) -> tuple[Array, Array]:
    """Returns the direction around one vortex: tangential, with some inflow.

    The very middle gets straight dabs, as no brush turns on the spot: rings would leave a hole.
    """
    x = (-dy * vortex.spin - dx * vortex.inflow) / radius
    y = (dx * vortex.spin - dy * vortex.inflow) / radius
    core = smoothstep(0.025, 0.01, radius)
    return x + core * (0.9 - x), y + core * (0.4 - y)


def vortex_light(vortex: Vortex, dx: Array, dy: Array, radius: Array) -> tuple[Array, Array]:
    """Returns tone and warmth of one vortex.

    Spiral arms use the phase that is constant along the vortex's own streamlines, so that light
    and dark bands run with the strokes and never across them.
    """
    r = radius / vortex.radius
    if vortex.arms == 0:
        rings = 0.5 + 0.5 * np.cos(15 * r)
        tone = np.clip(0.98 - 0.55 * r - 0.2 * (1 - rings) * smoothstep(0.1, 0.4, r), 0.1, 1)
        return tone, vortex.glow * smoothstep(1.05, 0.35, r) * (0.7 + 0.3 * rings)
    phase = np.arctan2(dy, dx) * vortex.spin + np.log(r + 0.05) / vortex.inflow
    arms = 0.5 + 0.5 * np.sin(vortex.arms * phase)
    tone = 0.22 + 0.56 * arms * smoothstep(1.5, 0.5, r) + 0.3 * smoothstep(0.35, 0.05, r)
    warmth = vortex.glow * (smoothstep(0.5, 0.1, r) + arms**2 * smoothstep(1.1, 0.35, r))
    return tone, np.clip(warmth, 0, 1)


def stir(base: tuple[Array, ...], vortices: Sequence[Vortex]) -> tuple[Array, ...]:
    """Lays vortices over a background.

    Args:
        base: Flow x, flow y, tone and warmth of the background.
        vortices: The whirls, later ones over earlier ones.

    Returns:
        The four fields with the vortices blended in.
    """
    xs, ys = coordinates(base[0].shape)
    fields = base
    for vortex in vortices:
        dx, dy = xs - vortex.x, ys - vortex.y
        radius = np.hypot(dx, dy) + 1e-4
        mine = (*vortex_flow(vortex, dx, dy, radius), *vortex_light(vortex, dx, dy, radius))
        weight = smoothstep(1.25, 0.65, radius / vortex.radius)
        fields = tuple(a + weight * (b - a) for a, b in zip(fields, mine, strict=True))
    return fields


# ---------------------------------------------------------------- strokes


def sample(field: Array, points: Array) -> Array:
    """Looks a field up at points given as (x, y), [n, 2]; points outside take the edge."""
    height, width = field.shape[:2]
    column = np.clip(points[:, 0], 0, width - 1).astype(int)
    row = np.clip(points[:, 1], 0, height - 1).astype(int)
    return field[row, column]


def follow(flow: Array, starts: Array, steps: Array) -> list[Array]:
    """Walks along the flow by the midpoint rule, which keeps circles round.

    Args:
        flow: Direction field, [height, width, 2].
        starts: First points as (x, y), [n, 2].
        steps: Signed step of each walk in pixels, [n, 1].

    Returns:
        The points after each of PATH_POINTS // 2 steps.
    """
    points = [starts]
    for _ in range(PATH_POINTS // 2):
        middle = points[-1] + 0.5 * steps * sample(flow, points[-1])
        points.append(points[-1] + steps * sample(flow, middle))
    return points[1:]


def trace_paths(flow: Array, centers: Array, lengths: Array, angles: Array) -> Array:
    """Follows the flow both ways from the center of each stroke, for all strokes at once.

    Args:
        flow: Direction field, [height, width, 2].
        centers: Middle points as (x, y), [n, 2].
        lengths: Arc length of each stroke in pixels, [n].
        angles: How far each stroke turns away from the flow, in radians, [n].

    Returns:
        Points on the center lines, [n, PATH_POINTS + 1, 2].
    """
    steps = (lengths / PATH_POINTS)[:, None]
    before = follow(flow, centers, -steps)
    after = follow(flow, centers, steps)
    paths = np.stack([*before[::-1], centers, *after], axis=1)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = np.moveaxis(paths - centers[:, None], 2, 0)
    turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)
    return (centers[:, None] + turned).astype(np.float32)


def scatter_centers(rng: Rng, size: tuple[int, int], count: int) -> Array:
    """Returns about `count` jittered grid points in random order.

    A jittered grid leaves neither holes nor clumps, which independent points would.
    """
    spacing = np.sqrt(size[0] * size[1] / count)
    margin = 2 * spacing
    ys, xs = np.mgrid[-margin : size[0] + margin : spacing, -margin : size[1] + margin : spacing]
    points = np.stack([xs.ravel(), ys.ravel()], axis=1)
    points += rng.uniform(-0.6, 0.6, points.shape) * spacing
    return rng.permutation(points).astype(np.float32)


def ramp_color(ramp: Array, tone: Array) -> Array:
    """Looks tones up on a color ramp with linear interpolation, [n] -> [n, 3]."""
    stops = np.linspace(0, 1, len(ramp))
    channels = [np.interp(tone, stops, ramp[:, i]) for i in range(3)]
    return np.stack(channels, axis=1).astype(np.float32)


def stroke_colors(rng: Rng, scene: Scene, layer: Layer, centers: Array) -> Array:
    """Chooses the color of each stroke from the scene at the stroke's center.

    The ramp of a stroke is drawn at random, not blended: side by side warm and cold colors stay
    clean (broken color), mixed they would turn gray.
    """
    tone = 0.5 + (sample(scene.tone, centers) - 0.5) * layer.contrast
    tone = np.clip(tone + layer.tone_jitter * rng.standard_normal(len(tone)), 0, 1)
    color = ramp_color(scene.base, tone)
    for ramp, chance in scene.accents:
        chosen = rng.random(len(tone)) < sample(chance, centers)
        color[chosen] = ramp_color(ramp, tone[chosen])
    hue_shift = 0.025 * rng.standard_normal(color.shape)
    return np.clip(color + hue_shift, 0, 1).astype(np.float32)


def make_streaks(rng: Rng) -> Array:
    """Makes bristle noise: rows run along a stroke, columns across it.

    Noise that is long along the stroke and one bristle wide across it, plus a little canvas grain.
    """
    size = (STREAK_SIZE, STREAK_SIZE)
    fine = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), 0.9, sigmaY=26)
    broad = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), 2.6, sigmaY=40)
    grain = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), 0.8)
    total = fine / fine.std() + 0.8 * broad / broad.std() + 0.35 * grain / grain.std()
    return (total / total.std()).astype(np.float32)


def cut_streaks(rng: Rng, streaks: Array, rows: int, columns: int) -> Array:
    """Cuts a random window out of the bristle noise."""
    top = rng.integers(0, STREAK_SIZE - rows)
    left = rng.integers(0, STREAK_SIZE - columns)
    return streaks[top : top + rows, left : left + columns]


def width_profile(brush: Brush, along: Array) -> Array:
    """Returns the half width along a stroke, 0..1: a round start and a longer tail."""
    start = np.sqrt(np.clip(along / (0.04 + 0.18 * brush.taper), 0, 1))
    tail = np.clip((1 - along) / (0.03 + 0.5 * brush.taper), 0, 1) ** 0.7
    return start * tail


def stroke_pixels(path: Array, half: Array, across: Array) -> tuple[Array, Array]:
    """Returns x and y of the samples of a stroke, [along, across].

    Args:
        path: Center line, [PATH_POINTS + 1, 2].
        half: Half width in pixels, [along].
        across: Position between the edges, -1..1, [across].
    """
    knots = np.linspace(0, 1, len(path))
    at = np.linspace(0, 1, len(half))
    x, y = np.interp(at, knots, path[:, 0]), np.interp(at, knots, path[:, 1])
    tangent_x, tangent_y = np.gradient(x), np.gradient(y)
    norm = np.hypot(tangent_x, tangent_y) + 1e-6
    offset = half[:, None] * across
    xs = x[:, None] - (tangent_y / norm)[:, None] * offset
    ys = y[:, None] + (tangent_x / norm)[:, None] * offset
    return xs.astype(np.float32), ys.astype(np.float32)


def paint_cover(brush: Brush, along: Array, across: Array, streak: Array) -> Array:
    """Returns the opacity of a stroke: the tail and the edges run dry between the bristles."""
    load = 1.8 - brush.dryness * (0.5 + 2.3 * along[:, None] ** 2)
    edge = brush.edge_wear * 2.5 * np.abs(across) ** 4
    return np.clip(load - edge + 0.55 * streak, 0, 1)


def paint_thickness(brush: Brush, along: Array, across: Array, streak: Array) -> Array:
    """Returns the thickness of a stroke: furrows, rims at the sides, a bead at the end."""
    rim = brush.ridge * np.exp(-(((np.abs(across) - 0.8) / 0.16) ** 2))
    bead = brush.ridge * np.exp(-(((along[:, None] - 0.9) / 0.07) ** 2))
    body = 1.0 - 0.35 * across**2
    return body + rim + 0.8 * bead + 1.6 * brush.streak * streak


def lay_stroke(
    canvas: Canvas, path: Array, width: float, pigments: Array, brush: Brush, streak: Array
) -> None:
    """Paints one stroke.

    The stroke is sampled densely in its own (along, across) coordinates and scattered to the
    pixels it falls on, which costs as much as its area and bends bristles with the path.

    Args:
        canvas: Painted in place.
        path: Center line, [PATH_POINTS + 1, 2].
        width: Full width in pixels.
        pigments: The two colors on the two sides of the brush, [2, 3].
        brush: How paint comes off.
        streak: Bristle noise, [along, across]; its shape sets the sampling.
    """
    along = np.linspace(0, 1, streak.shape[0], dtype=np.float32)
    across = np.linspace(-1, 1, streak.shape[1], dtype=np.float32)
    half = 0.5 * width * width_profile(brush, along)
    xs, ys = stroke_pixels(path, half, across)
    column, row = np.rint(xs).astype(np.int64), np.rint(ys).astype(np.int64)
    inside = (column >= 0) & (column < canvas.size[1]) & (row >= 0) & (row < canvas.size[0])
    index = (row * canvas.size[1] + column)[inside]

    cover = paint_cover(brush, along, across, streak)[inside]
    thickness = paint_thickness(brush, along, across, streak)[inside]
    # The two pigments meet along a ragged line, as on a brush dipped twice.
    mix = np.clip(0.5 + 0.8 * across + 0.5 * streak, 0, 1)[inside][:, None]
    color = pigments[0] + mix * (pigments[1] - pigments[0])
    color = color * (1 + brush.streak * 0.45 * streak[inside][:, None])

    canvas.color[index] += cover[:, None] * (color - canvas.color[index])
    # Old relief shows through in part: fresh paint fills the furrows below it.
    canvas.height[index] += cover * (thickness - 0.65 * canvas.height[index])


def paint_layer(rng: Rng, canvas: Canvas, scene: Scene, layer: Layer, streaks: Array) -> int:
    """Lays all strokes of a layer and returns their number."""
    mean_width = layer.width * max(canvas.size)
    area = mean_width**2 * layer.length * 0.8
    count = int(layer.coverage * canvas.size[0] * canvas.size[1] / area)
    centers = scatter_centers(rng, canvas.size, count)
    widths = mean_width * np.exp(0.22 * rng.standard_normal(len(centers)))
    lengths = mean_width * layer.length * np.exp(0.28 * rng.standard_normal(len(centers)))
    angles = layer.angle_jitter * rng.standard_normal(len(centers))
    paths = trace_paths(scene.flow, centers, lengths, angles)
    first = stroke_colors(rng, scene, layer, centers)
    second = stroke_colors(rng, scene, layer, centers)
    pigments = np.stack([first, 0.65 * first + 0.35 * second], axis=1)
    for i, path in enumerate(paths):
        rows = min(int(lengths[i] * 1.3) + 4, STREAK_SIZE - 1)
        columns = int(widths[i] * 1.5) + 3
        streak = cut_streaks(rng, streaks, rows, columns)
        lay_stroke(canvas, path, widths[i], pigments[i], scene.brush, streak)
    return len(paths)


# ---------------------------------------------------------------- finish


def prime_canvas(rng: Rng, scene: Scene) -> Canvas:
    """Makes the bare canvas: the ground color over a linen weave."""
    size = scene.tone.shape
    rows, columns = np.indices(size, dtype=np.float32)
    weave = np.sin(columns * 1.6) * np.sin(rows * 1.6) + 0.3 * smooth_noise(rng, size, 3)
    shade = 1 + 0.05 * smooth_noise(rng, size, 60, 3)
    color = scene.ground * shade[..., None]
    return Canvas(
        color.reshape(-1, 3).astype(np.float32), (0.25 * weave).ravel(), (size[0], size[1])
    )


def light(canvas: Canvas) -> Array:
    """Shades the relief from the upper left and returns the picture, [height, width, 3]."""
    color = canvas.color.reshape(*canvas.size, 3)
    relief = cv2.GaussianBlur(canvas.height.reshape(canvas.size), (0, 0), 0.9)
    down, right = np.gradient(relief)
    slope = np.tanh(2.4 * (0.6 * right + 0.8 * down))[..., None]
    gloss = 0.16 * np.clip(slope - 0.35, 0, 1) ** 1.5
    return np.clip(color * (1 + 0.36 * slope) + gloss, 0, 1)


def paint(rng: Rng, scene: Scene) -> Array:
    """Paints a scene at the supersampled size and returns it at the final size."""
    canvas = prime_canvas(rng, scene)
    streaks = make_streaks(rng)
    for layer in scene.layers:
        count = paint_layer(rng, canvas, scene, layer, streaks)
        print(f"  {count} strokes {layer.width:.2%} wide")
    picture = light(canvas)
    size = (canvas.size[1] // SUPERSAMPLE, canvas.size[0] // SUPERSAMPLE)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def encode_jpeg(picture: Array, max_bytes: int) -> bytes:
    """Encodes at the best quality that stays within `max_bytes`."""
    image = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
    for quality in range(94, 60, -2):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
    raise ValueError(f"the picture does not fit into {max_bytes} bytes")


# ---------------------------------------------------------------- scenes


NIGHT_BLUES = palette(
    "0b1030", "14205c", "1d3a8c", "2a5cae", "3f86b4", "6fb0b8", "a9cfc4", "e4ead2"
)
NIGHT_TEALS = palette("0a2230", "0f3f4e", "1b6068", "2f8580", "63a98f", "a3c9a0", "e0e6bf")
NIGHT_GOLDS = palette("4a2413", "8c3f1a", "c2641f", "dd8a24", "ecb53a", "f4d566", "f9eab0")
NIGHT_VORTICES = (
    Vortex(0.42, 0.60, 0.36, 1, 0.30, 2, 0.50),
    Vortex(0.97, 0.36, 0.30, -1, 0.28, 3, 0.30),
    Vortex(1.06, 0.83, 0.17, 1, 0.0, 0, 0.95),
    Vortex(0.17, 0.17, 0.15, 1, 0.0, 0, 0.95),
    Vortex(0.60, 0.15, 0.12, -1, 0.0, 0, 0.85),
    Vortex(0.75, 0.66, 0.07, 1, 0.0, 0, 0.9),
    Vortex(1.24, 0.11, 0.09, 1, 0.0, 0, 0.9),
    Vortex(0.08, 0.90, 0.09, -1, 0.0, 0, 0.8),
)
NIGHT_LAYERS = (
    Layer(0.026, 6.0, 2.6, 0.06, 0.7),
    Layer(0.015, 6.0, 1.5, 0.10, 0.95),
    Layer(0.0085, 6.0, 1.1, 0.14, 1.15),
    Layer(0.0055, 6.0, 0.35, 0.20, 1.35),
)


def swirling_night(rng: Rng, size: tuple[int, int]) -> Scene:
    """Blue night currents winding round golden lights and spiral eddies."""
    xs, ys = coordinates(size)
    # Background strokes and color bands follow the same potential, so bands look brushed.
    swell = 0.10 * smooth_noise(rng, size, size[0] * 0.42) + 0.06 * np.sin(4.2 * xs + 1.0)
    potential = ys + swell
    bands = np.sin(27 * potential + 1.5 * smooth_noise(rng, size, size[0] * 0.3))
    depth = smooth_noise(rng, size, size[0] * 0.35)
    sky_tone = 0.33 + 0.17 * bands + 0.09 * depth
    sky_warmth = 0.05 + 0.25 * smoothstep(0.75, 1.0, bands) * smoothstep(0.0, 1.0, depth)
    sky = (*curl(potential), sky_tone, sky_warmth)
    flow_x, flow_y, tone, warmth = stir(sky, NIGHT_VORTICES)
    teal_chance = np.clip(0.16 + 0.22 * depth, 0, 0.6)
    return Scene(
        flow=unit_field(flow_x, flow_y),
        tone=np.clip(tone, 0, 1),
        base=NIGHT_BLUES,
        accents=((NIGHT_TEALS, teal_chance), (NIGHT_GOLDS, np.clip(warmth, 0, 1))),
        ground=palette("6b5a41")[0],
        brush=Brush(taper=0.55, streak=0.22, dryness=0.45, ridge=0.5, edge_wear=0.25),
        layers=NIGHT_LAYERS,
    )


def facets(rng: Rng, size: tuple[int, int], count: int) -> tuple[NDArray[np.intp], int]:
    """Splits the canvas into irregular cells.

    Returns:
        The number of the cell of each pixel, from 0, and how many cells there are.
    """
    points = np.rint(scatter_centers(rng, size, count)).astype(int)
    points = points[((points >= 0) & (points < (size[1], size[0]))).all(axis=1)]
    seeds = np.ones(size, np.uint8)
    seeds[points[:, 1], points[:, 0]] = 0
    _, labels = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return labels.astype(np.intp) - 1, int(labels.max())


EMBER_REDS = palette("3a0f1c", "6e1722", "a62a24", "d1492a", "e8762f", "f2a541", "f6d08a", "fbf0d6")
EMBER_ROSES = palette("2b1230", "5a2450", "93405f", "cf7a83", "eab5a6", "f7e3d0")
EMBER_OLIVES = palette("1d1a14", "4a4420", "85782c", "bfa63f", "e6d27a")
EMBER_TEALS = palette("0c2a33", "14505a", "2a7f82", "66aaa0", "b7d6c4")
EMBER_LAYERS = (
    Layer(0.050, 2.4, 2.2, 0.04, 0.9, 0.15),
    Layer(0.030, 2.2, 1.2, 0.06, 1.0, 0.15),
    Layer(0.018, 2.4, 0.8, 0.09, 1.1, 0.15),
    Layer(0.010, 2.6, 0.25, 0.14, 1.2, 0.2),
)


def ember_tone(level: Array, hills: Array, field: Array) -> Array:
    """Returns the tone of sky, hills and field: a glow low in the sky, banded land below it.

    Args:
        level: Height in the picture with the swell of the land, 0 at the top.
        hills: 1 below the skyline, 0 above it.
        field: 1 in the foreground, 0 above it.
    """
    xs, ys = coordinates(level.shape)
    sun = np.exp(-((xs - 0.92) ** 2 + (ys - 0.24) ** 2) / 0.03)
    sky_tone = 0.60 + 0.9 * (level - 0.12) + 0.3 * sun
    hill_tone = 0.40 + 0.26 * np.sin(26 * level)
    field_tone = 0.30 + 0.14 * np.sin(34 * level)
    land_tone = hill_tone + field * (field_tone - hill_tone)
    return sky_tone + hills * (land_tone - sky_tone)


def ember_hills(rng: Rng, size: tuple[int, int]) -> Scene:
    """Autumn hills under a glowing sky, in small facets laid with a palette knife."""
    cell, count = facets(rng, size, 420)
    xs, ys = coordinates(size)
    swell = 0.05 * smooth_noise(rng, size, size[0] * 0.5) + 0.05 * np.sin(3.1 * xs + 0.4)
    level = ys + swell + 0.018 * rng.standard_normal(count)[cell]
    hills, field = smoothstep(0.30, 0.36, level), smoothstep(0.66, 0.72, level)
    tone = ember_tone(level, hills, field) + 0.07 * rng.standard_normal(count)[cell]

    # The knife goes level in the sky, down the slopes on the hills, and upright in the grass.
    lean = rng.normal(0, 0.30, count)[cell]
    slope = np.where(rng.random(count) < 0.5, 0.75, -0.75)[cell]
    angle = lean + hills * (1 - field) * slope + field * (1.45 - 0.4 * lean)
    teal_chance = 0.03 + 0.30 * (rng.random(count) < 0.12)[cell] + 0.14 * field
    return Scene(
        flow=unit_field(np.cos(angle), np.sin(angle)),
        tone=np.clip(tone, 0, 1),
        base=EMBER_REDS,
        accents=(
            (EMBER_ROSES, 0.30 * (1 - hills)),
            (EMBER_OLIVES, 0.10 + 0.25 * field),
            (EMBER_TEALS, teal_chance),
        ),
        ground=palette("5b3a2a")[0],
        brush=Brush(taper=0.04, streak=0.16, dryness=0.5, ridge=1.0, edge_wear=0.4),
        layers=EMBER_LAYERS,
    )


SCENES: dict[str, Callable[[Rng, tuple[int, int]], Scene]] = {
    "swirling_night": swirling_night,
    "ember_hills": ember_hills,
}


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--which", choices=["all", *SCENES], default="all", help="what to paint")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--long-side", type=int, default=768, help="width of the picture")
    parser.add_argument("--max-kb", type=int, default=400, help="largest size of the JPEG file")
    return parser.parse_args()


def main() -> None:
    """Paints the chosen pictures."""
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    width = args.long_side * SUPERSAMPLE
    size = (round(width * 0.78 / SUPERSAMPLE) * SUPERSAMPLE, width)
    for name in SCENES if args.which == "all" else [args.which]:
        print(name)
        rng = np.random.default_rng(args.seed)
        picture = paint(rng, SCENES[name](rng, size))
        target: Path = args.out / f"{name}.jpg"
        target.write_bytes(encode_jpeg(picture, args.max_kb * 1000))
        print(f"  {target}, {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
