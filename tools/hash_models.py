"""Writes `jaxnst/networks/shipped.py`'s table: the SHA-256 of every network that ships.

python tools/hash_models.py
"""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "jaxnst" / "assets" / "models"
TABLE = ROOT / "jaxnst" / "networks" / "shipped.py"


def main() -> None:
    """Replaces the table; networks that were there before keep their order."""
    text = TABLE.read_text()
    known = re.findall(r'^    "([\w/]+)":', text, re.MULTILINE)
    hashes = {
        path.relative_to(ASSETS).with_suffix("").as_posix(): hashlib.sha256(path.read_bytes())
        for path in ASSETS.rglob("*.safetensors")
    }
    names = sorted(hashes, key=lambda n: (known.index(n) if n in known else len(known), n))
    rows = "".join(f'    "{name}": "{hashes[name].hexdigest()}",\n' for name in names)
    TABLE.write_text(re.sub(r"(?s)SHIPPED = \{\n.*?\n\}", f"SHIPPED = {{\n{rows}}}", text))


if __name__ == "__main__":
    main()
