"""The networks that ship: where they are, and the SHA-256 of each file."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets" / "models"

SHIPPED = {
    "upscale_x2": "48ed5c15fb2c5ff23f10f5261f4287f247fc480067c087df6aa0c4d59c721025",
    "upscale_x4": "dd6f3303c4eaf9b16dbdd741a9836c0fc83a83bee8008f6bd01bed258cb20382",
    "upscale_x8": "4e54013f40b336378fa9d9e2eebd1878bb3e5ba7a6f765cd581b07771fb8baff",
    "upscale_x4_features": "20ac947df4d87e7dc656a513fa05d75008344fbaf376cbdd0bb2df8413f468f6",
    "upscale_x8_features": "01e0843c6405a0e6876f939b0c720f43e6e7d422592e1dc471c9adfc0ab4deeb",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
}
"""By the path below ASSETS, without the suffix: GALLERY/STYLE for networks that paint."""
