"""The networks that ship: where they are, and the SHA-256 of each file."""

from pathlib import Path

DEFAULT = "slim"
"""The gallery that paints where none is named."""

ASSETS = Path(__file__).parents[1] / "assets" / "models"

SHIPPED = {
    "slim/start": "44b6091ce5755f3adf47ff0f53c910b470cbd3cfaa522472f59db671cdec75e9",
    "slim/starry_night": "1234874c961a5a3ee0669343ad6507470f251ff2fbf6c7c0b28a0836ea21f740",
    "slim/the_scream": "0cad2a4e03554f24a9a2b5aebfdaa31bf550f9e3fd0dcee372b31de2168908a1",
    "slim/composition_vii": "e681dea90ca7e0486ce54f153b5dde1167326087be0a9eee365fe2b3f9b6a4a2",
    "slim/udnie": "c20cb7ae032dc5023bf53f74dbba965d7bb0771e63b4bb58674f09547112f032",
    "slim/wheat_field": "5a4c610bec970b070e4cda3364ed117cb491ef0395ef16370e76d8350e91d53b",
    "slim/woman_with_a_hat": "9952f5d4eb032fee84898e662c27e035110aefd7b617b097466132cdab634d26",
    "slim/delaunay": "be04f18b1db928a70225b85af71f297022814816d37dfc9b5eaec819dacb532a",
    "slim/impression_sunrise": "8fb0dde4db1de5211c44029377edc233bde524ab62eec0671a465e2a653d1abd",
    "slim/edtaonisl": "66227134e8826437c70c26569935af5ab211d89dfd026773a3868ae70df1b574",
    "slim/the_kiss": "590fc2fa3ea76d38c66faf4bad90a3b8c61b594eae53165726fc7bc9db8aa002",
    "slim/water_lilies": "d19791a407c0f547aa5ac9f3d029fae2549fa290fd028055b2fc0efc4cb094be",
    "slim/grande_jatte": "4b6dc97ddf5bd3536ece3acf6ff7fa183b263402c4e7c2c79842fb7a3eb7b769",
    "johnson/udnie": "7cf5cab005a465962bae3a65927a879391d116b21ddee2d4c0c92af3fde69ad2",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
    "upscale_x2": "48ed5c15fb2c5ff23f10f5261f4287f247fc480067c087df6aa0c4d59c721025",
    "upscale_x4": "dd6f3303c4eaf9b16dbdd741a9836c0fc83a83bee8008f6bd01bed258cb20382",
    "upscale_x4_features": "20ac947df4d87e7dc656a513fa05d75008344fbaf376cbdd0bb2df8413f468f6",
    "upscale_x8": "4e54013f40b336378fa9d9e2eebd1878bb3e5ba7a6f765cd581b07771fb8baff",
    "upscale_x8_features": "01e0843c6405a0e6876f939b0c720f43e6e7d422592e1dc471c9adfc0ab4deeb",
}
"""By the path below ASSETS, without the suffix: GALLERY/STYLE for networks that paint."""
