"""Writes the table of `jaxnst/networks/shipped.py`: the SHA-256 of every network that ships.

    python tools/hash_models.py

Galleries come in the order of configs/gallery.toml, in which their styles are listed everywhere.
"""

import hashlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "jaxnst" / "assets" / "models"
TABLE = ROOT / "jaxnst" / "networks" / "shipped.py"


def main() -> None:
    """Replaces the table."""
    hashes = {
        path.relative_to(ASSETS).with_suffix("").as_posix(): hashlib.sha256(path.read_bytes())
        for path in ASSETS.rglob("*.safetensors")
    }
    names = sorted(hashes, key=_place)
    rows = "".join(f'    "{name}": "{hashes[name].hexdigest()}",\n' for name in names)
    table = f"SHIPPED = {{\n{rows}}}"
    TABLE.write_text(re.sub(r"(?s)SHIPPED = \{\n.*?\n\}", table, TABLE.read_text()))


def _place(name: str) -> tuple[int, int, str]:
    """Where a network stands in the table: slim's styles, Johnson's, then those that enlarge."""
    styles = tomllib.loads((ROOT / "configs" / "gallery.toml").read_text())["styles"]
    order = ["start", *(style["name"] for style in styles)]
    gallery, _, style = name.rpartition("/")
    kinds = ("slim", "johnson", "")
    return kinds.index(gallery), order.index(style) if style in order else len(order), name


if __name__ == "__main__":
    main()
