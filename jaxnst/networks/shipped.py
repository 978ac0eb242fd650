"""The networks that ship: where they are, and the SHA-256 of each file."""

from pathlib import Path

DEFAULT = "slim"
"""The gallery that paints where none is named."""

ASSETS = Path(__file__).parents[1] / "assets" / "models"

SHIPPED = {
    "slim/start": "44b6091ce5755f3adf47ff0f53c910b470cbd3cfaa522472f59db671cdec75e9",
    "slim/starry_night": "28b3383b2a711e506806a14e7078cb893a98be82b7aef8392e5a29b52a8d9268",
    "slim/great_wave": "2efe5a201e653a46021280469c5483165c1d4a5bcc85cd7edbf782c6cdbbb209",
    "slim/contrast_of_forms": "95c32ffdf5e9c31c253b70ddb2211ab62d8e6946cfe46963d915644977827619",
    "slim/the_scream": "4bb6a087ddcaed3e8cf5d891ebe6c0efd2a1ba92088f07e27175269bfd41b4ee",
    "slim/composition_vii": "484dfa90dbfaa0529f5f3bd402cbf1daed19aeb9cd77e994860a3e9ea88d8485",
    "slim/udnie": "d2f2c09fa2974814abb7d35f079273cd1e80f1cc0a91805cf2e854a62b06324c",
    "slim/wheat_field": "d3cd8bf2677e3d861571cc4d64ea8baad5d37d10a9653bc02bc2166abd54d54b",
    "slim/woman_with_a_hat": "8b926f326767df58d38ec5dc9392ebb8d89950b6d13aa79b650b94829f97b596",
    "slim/delaunay": "f8ccb86bbcee9e66a75d65af354f7ab5ddd27d8b139f1cd88d41c58dba13774d",
    "slim/impression_sunrise": "a7919e9351b03c5f6ccba4444558777098a736d97285045876ef9614a8c40ba3",
    "slim/edtaonisl": "c74a90d9bb15331a84c032cae0667b3ff440c77e9233c6226f14d5623676d4b7",
    "slim/the_kiss": "55fcf717684f3e2a8114de78805a833c22de6931382fbd322a3b4c768996e0f1",
    "slim/water_lilies": "0f99c01b1620f89ad23e870c06c0255059fe2b8a886dd229bdfd90776e32e95c",
    "slim/grande_jatte": "d71fe2882a4bbb3368bf91408b75ed0fd6d191ad78e99fda6b31375ede1f0dd5",
    "johnson/udnie": "e462be11bd6d6c4e574211b65b59d376bb2e2eccc5ca861bf22ecff4f45a6807",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
    "upscale_x2": "48ed5c15fb2c5ff23f10f5261f4287f247fc480067c087df6aa0c4d59c721025",
    "upscale_x4": "dd6f3303c4eaf9b16dbdd741a9836c0fc83a83bee8008f6bd01bed258cb20382",
    "upscale_x4_features": "20ac947df4d87e7dc656a513fa05d75008344fbaf376cbdd0bb2df8413f468f6",
    "upscale_x8": "4e54013f40b336378fa9d9e2eebd1878bb3e5ba7a6f765cd581b07771fb8baff",
    "upscale_x8_features": "01e0843c6405a0e6876f939b0c720f43e6e7d422592e1dc471c9adfc0ab4deeb",
}
"""By the path below ASSETS, without the suffix: GALLERY/STYLE for networks that paint."""
