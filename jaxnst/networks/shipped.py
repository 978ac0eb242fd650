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
    "slim/composition_vii": "0d4eebc1ef1178f9cdb25b0bc85dcd5879787164a12b34cf73a5362df20d5e42",
    "slim/udnie": "30e659b078fed1925de609b840719b655b0a258b7ac2e2bc835bb3a4e67c44a4",
    "slim/wheat_field": "536e2216918248d5d80fa20bbbe1c5ce80eb82c2a39cc7ac50f06f0742d7b3a8",
    "slim/woman_with_a_hat": "ceb2d53d55d04518848fb59802d80af62ae539ea76e6676db1a66539a7479ea0",
    "slim/delaunay": "622213962e9d17692886e96cceb3fba656b37a4703ab5d968f3edc5f9eae4495",
    "slim/impression_sunrise": "ed21e68e8837f42f3b2fdf7c9c198fc0dd07ae874d4363e6dfd27ffdfe66a334",
    "slim/edtaonisl": "cdf78e2f017a917b58e41e17c5e0483b3abe130c606c6d4a82d9597181d97fff",
    "slim/the_kiss": "15baf15a46d059736ae25f9b2a0bcfb07b0ade277035b9ebc880d4a55d0c5d59",
    "slim/water_lilies": "76c600045bd23b1e983aadc3062566bbf3421cdb6188a4f28f72e26f4a8ccc71",
    "slim/grande_jatte": "57f53f3b40107a648fda7886d2a2b8e620d9fad15e6ba77d9cbe6f0fb3ea0844",
    "johnson/starry_night": "805d3fc58232f1107194220003918e60ec9a843b39f888c3463a3769971499af",
    "johnson/great_wave": "65f2a9cabe79c19002d9e72395a644af8594b63f016403bd5a26cb7ff47e7860",
    "johnson/contrast_of_forms": "3112559ec25f2019573eba8d578f94ced18afaaac0aa5769a670dee3cf024c9e",
    "johnson/udnie": "e462be11bd6d6c4e574211b65b59d376bb2e2eccc5ca861bf22ecff4f45a6807",
    "decoder_relu3_1": "008bf7db3b315488e41302c881165e45bda78ace9890b00d1269746ca54d7672",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
    "upscale_x2": "48ed5c15fb2c5ff23f10f5261f4287f247fc480067c087df6aa0c4d59c721025",
    "upscale_x4": "dd6f3303c4eaf9b16dbdd741a9836c0fc83a83bee8008f6bd01bed258cb20382",
    "upscale_x4_features": "20ac947df4d87e7dc656a513fa05d75008344fbaf376cbdd0bb2df8413f468f6",
    "upscale_x8": "4e54013f40b336378fa9d9e2eebd1878bb3e5ba7a6f765cd581b07771fb8baff",
    "upscale_x8_features": "01e0843c6405a0e6876f939b0c720f43e6e7d422592e1dc471c9adfc0ab4deeb",
}
"""By the path below ASSETS, without the suffix: GALLERY/STYLE for networks that paint."""
