"""Make the bundled sample photos from the pictures that scikit-image ships.

All four are CC0 or in the public domain; `jaxnst/assets/photos/README.md` says who took them.
scikit-image is needed only here, so it is imported when the script runs.
"""

import argparse
import io
from pathlib import Path

from PIL import Image, ImageCms

ASSETS = Path(__file__).resolve().parents[1] / "jaxnst" / "assets" / "photos"
QUALITY = 92

# Output name -> file in scikit-image's data folder.
PHOTOS = {
    "cat.jpg": "chelsea.png",
    "coffee.jpg": "coffee.png",
    "astronaut.jpg": "astronaut.png",
    "rocket.jpg": "rocket.jpg",
}


def skimage_data_dir() -> Path:
    """Returns the folder of pictures inside the installed scikit-image."""
    import skimage

    return Path(skimage.__file__).parent / "data"


def to_srgb(image: Image.Image) -> Image.Image:
    """Converts a picture to plain sRGB, honoring its embedded color profile."""
    profile = image.info.get("icc_profile")
    rgb = image.convert("RGB")
    if not profile:
        return rgb
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    converted = ImageCms.profileToProfile(rgb, source, ImageCms.createProfile("sRGB"))
    return converted or rgb


def strip_metadata(image: Image.Image) -> Image.Image:
    """Copies the pixels alone: Pillow would write the comment and the profile of `image` back."""
    return Image.frombytes(image.mode, image.size, image.tobytes())


def save_photo(source: Path, target: Path) -> None:
    """Writes one photo as JPEG at its original resolution."""
    with Image.open(source) as image:
        clean = strip_metadata(to_srgb(image))
    # Full-resolution chroma: the saturated edges of these small pictures bleed otherwise.
    clean.save(target, quality=QUALITY, subsampling=0, optimize=True)


def main() -> None:
    """Writes every sample photo into the output folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    data = skimage_data_dir()
    for name, source in PHOTOS.items():
        save_photo(data / source, out / name)
        print(out / name)


if __name__ == "__main__":
    main()
