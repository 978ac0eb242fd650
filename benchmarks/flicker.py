"""Flicker of painted video, smoothed and not; and whether smoothing leaves ghosts or a blur.

    python benchmarks/flicker.py --data DIR [--style NAME | --painting FILE] [--size 512]
        [--frames 90] [--pictures FOLDER] [--out FILE.json]

Over every clip of DIR/video, in a trained style or in that of any painting: the painting before is
warped along the optical flow of the photos (Farneback's, by OpenCV), and compared with the present
one where nothing was covered or uncovered (flow there and back agrees within a pixel; below half a
pixel it counts as none, for that is noise, and half a pixel is a blur). Then where the flow is
larger than 2 pixels the smoothed painting is compared with the one that is not. How sharp it is, is
told from the mean of its Laplacian over the later half of the clip, as a share of that of the one
that is not smoothed. Then two clips follow each other by a hard cut. Differences are means in
255ths.
"""

import itertools
from pathlib import Path
from typing import NamedTuple

import _record
import cv2
import numpy as np

from jaxnst.inference.any_style import AnyStylizer
from jaxnst.inference.stylizer import Stylizer
from jaxnst.inference.temporal import Smoother
from jaxnst.io.codec import load
from jaxnst.io.resize import fit_long_side
from jaxnst.io.sources import FileSource, all_frames
from jaxnst.io.video_writer import VideoWriter
from jaxnst.networks.shipped import DEFAULT

MOVING = 2.0  # pixels from frame to frame
AGREED, STILL = 1.0, 0.5  # pixels


class Scene(NamedTuple):
    """The ends of a clip: photo and painting."""

    name: str
    first: tuple[np.ndarray, np.ndarray]
    last: tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Prints a row for each clip, the mean of their ratios, and what is left after a cut."""
    parser = _record.parser(__doc__)
    parser.add_argument("--style", default="")
    parser.add_argument("--painting", type=Path, help="in its style, by AnyStylizer")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--pictures", type=Path, help="folder for the clips side by side")
    args = parser.parse_args()
    stylizer: AnyStylizer | Stylizer = Stylizer(DEFAULT, exact=True)
    if args.painting:
        stylizer = AnyStylizer({"painting": load(args.painting).as_uint8()}, exact=True)
    style, holds = args.style or stylizer.styles[0], stylizer.holds_strokes
    clips: dict[str, dict[str, float]] = {}
    scenes = []
    for path in sorted((args.data / "video").iterdir()):
        photos = read(path, args.size, args.frames)
        plain = [stylizer(photo, style, stroke=None) for photo in photos]
        smoother = Smoother(holds=holds)
        smooth = [smoother(*pair) for pair in zip(photos, plain, strict=True)]
        flows = [flow(*pair) for pair in itertools.pairwise(photos)]
        off, on = (flicker(frames, flows) for frames in (plain, smooth))
        ghosts = difference_where_moving(plain, smooth, flows)
        sharp = sharpness(smooth) / sharpness(plain)
        clips[path.name] = {
            "plain": off, "smoothed": on, "ratio": on / off, "moving": ghosts, "sharpness": sharp
        }  # fmt: skip
        print(
            f"{path.name:>30}: flicker {off:.2f}, smoothed {on:.2f} ({on / off:.2f} times); "
            f"moving parts differ by {ghosts:.2f}; {sharp:.0%} as sharp",
            flush=True,
        )
        ends = (photos[0], plain[0]), (photos[-1], plain[-1])
        scenes.append(Scene(path.name, *ends))
        if args.pictures:
            args.pictures.mkdir(parents=True, exist_ok=True)
            with VideoWriter(args.pictures / f"{path.stem}.mp4") as writer:
                for number, pair in enumerate(zip(plain, smooth, strict=True)):
                    writer.write(np.concatenate(pair, axis=1), number / 25)
    ratio = np.mean([clip["ratio"] for clip in clips.values()])
    print(f"smoothed, flicker is {ratio:.2f} times what it was, mean over the clips")
    cuts = after_cuts(scenes, holds=holds)
    _record.write(args.out, {"clips": clips, "ratio": ratio, "after_cuts": cuts})


def read(path: Path, long_side: int, count: int) -> list[np.ndarray]:
    """The first frames of a clip, at the size that is painted."""
    source = FileSource(str(path))
    frames = list(itertools.islice(all_frames(source), count))
    source.close()
    size = fit_long_side(frames[0].shape[:2], long_side)
    return [cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA) for frame in frames]


def flow(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each pixel of a frame to where it was before, [H, W, 2]; and where that can be told."""
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, now)]
    back, forth = farneback(gray[1], gray[0]), farneback(gray[0], gray[1])
    there_and_back = back + warp(forth, back)
    back = np.where(np.linalg.norm(back, axis=-1, keepdims=True) < STILL, 0, back)
    return back.astype(np.float32), np.linalg.norm(there_and_back, axis=-1) < AGREED


def farneback(of: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Optical flow between two gray pictures, [H, W, 2] in pixels."""
    found = cv2.calcOpticalFlowFarneback(
        of, to, np.zeros((*of.shape, 2), np.float32), pyr_scale=0.5, levels=4, winsize=15,
        iterations=3, poly_n=5, poly_sigma=1.1, flags=0,
    )  # fmt: skip
    return np.asarray(found)


def warp(image: np.ndarray, back: np.ndarray) -> np.ndarray:
    """An image as it would look now, by where its pixels were before."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    x, y = columns + back[..., 0], rows + back[..., 1]
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def flicker(frames: list[np.ndarray], flows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean difference between a frame and the one before, warped."""
    differences = [
        np.abs(now.astype(float) - warp(before.astype(np.float32), back))[seen].mean()
        for (before, now), (back, seen) in zip(itertools.pairwise(frames), flows, strict=True)
    ]
    return float(np.mean(differences))


def difference_where_moving(
    plain: list[np.ndarray],
    smooth: list[np.ndarray],
    flows: list[tuple[np.ndarray, np.ndarray]],
) -> float:
    """Mean difference between smoothed and not, where the flow is large; 0 if it is nowhere."""
    total, count = 0.0, 0
    for one, other, (back, _) in zip(plain[1:], smooth[1:], flows, strict=True):
        moving = np.linalg.norm(back, axis=-1) > MOVING
        total += float(np.abs(one.astype(float) - other)[moving].sum())
        count += 3 * int(moving.sum())
    return total / max(count, 1)


def sharpness(frames: list[np.ndarray]) -> float:
    """Mean of the Laplacian of the later half of a clip, where smoothing has come to rest."""
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[len(frames) // 2 :]]
    return float(np.mean([np.abs(cv2.Laplacian(picture, cv2.CV_32F)).mean() for picture in gray]))


def after_cuts(scenes: list[Scene], *, holds: bool) -> dict[str, float]:
    """Prints and returns, for all pairs of clips of a size, by how much the first frame after a cut
    from one to the other differs from its own painting, at most."""
    found = {}
    for before, after in itertools.permutations(scenes, 2):
        if before.last[0].shape == after.first[0].shape:
            smoother = Smoother(holds=holds)
            smoother(*before.last)
            shown = smoother(*after.first).astype(float)
            most = np.abs(shown - after.first[1]).max()
            print(f"after a cut from {before.name} to {after.name}: {most:.0f} at most")
            found[f"{before.name} to {after.name}"] = float(most)
    return found


if __name__ == "__main__":
    main()
