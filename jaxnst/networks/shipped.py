"""The networks that ship: where they are, and the SHA-256 of each file."""

from pathlib import Path

DEFAULT = "slim"
"""The gallery that paints where none is named."""

ASSETS = Path(__file__).parents[1] / "assets" / "models"

SHIPPED = {
    "slim/start": "44b6091ce5755f3adf47ff0f53c910b470cbd3cfaa522472f59db671cdec75e9",
    "slim/starry_night": "31b25e085aa539aec3178f1550b4d954c0064cbe40aa681feaa66a34fe9bf62a",
    "slim/great_wave": "f329320e09d098565deae81ce41c3aee030f48224fda55bb94ec031dc827b543",
    "slim/contrast_of_forms": "7de0ccf38cd4c95aa8d3f1cc3937c5568708a86e1b230b0ee7533e4031cb0efc",
    "slim/the_scream": "6fea39927a5f2dc7c3dd2536c9cd291d78f7dd205a6f0c84496d37cba7ef1779",
    "slim/composition_vii": "0d4eebc1ef1178f9cdb25b0bc85dcd5879787164a12b34cf73a5362df20d5e42",
    "slim/udnie": "c3e21384099b22446d62e21fff004e24dfc64d16f68ce1da8c6a23297beae1d2",
    "slim/wheat_field": "72a350b5059f24a61dcfd02eb78d53d082afb275863965f1e18e409d23506ec0",
    "slim/woman_with_a_hat": "ceb2d53d55d04518848fb59802d80af62ae539ea76e6676db1a66539a7479ea0",
    "slim/delaunay": "622213962e9d17692886e96cceb3fba656b37a4703ab5d968f3edc5f9eae4495",
    "slim/impression_sunrise": "ed21e68e8837f42f3b2fdf7c9c198fc0dd07ae874d4363e6dfd27ffdfe66a334",
    "slim/edtaonisl": "685411e6d0adc85dbcb8ee3a98a1af63d83d2fb4b3a91c65195f32f3e5d9bfd3",
    "slim/the_kiss": "15baf15a46d059736ae25f9b2a0bcfb07b0ade277035b9ebc880d4a55d0c5d59",
    "slim/water_lilies": "76c600045bd23b1e983aadc3062566bbf3421cdb6188a4f28f72e26f4a8ccc71",
    "slim/grande_jatte": "57f53f3b40107a648fda7886d2a2b8e620d9fad15e6ba77d9cbe6f0fb3ea0844",
    "slim/night_cafe": "78f2441e68f3ba6e28ded0a90b9074ccd28f8e7298d83644400f9f5296e3e530",
    "slim/olive_trees": "ceddbb298364490448eaccededb673a211e6b0e8f7e91b6b2547b2ea4cdb5f7d",
    "slim/thatched_cottages": "f3a34f7ecca60e9a1c8b849a06e3810d7283c42e63f2dcb759dd0f84c1d2cd43",
    "slim/self_portrait": "e162f7957fa05dc0a9c380aea2eb0264a310116400009458893ac038b1dc2188",
    "slim/jas_de_bouffan": "df66d89acfd554fcf4724f3dc1b50456591c1a0eca471f26bd2d2112aa5802d3",
    "slim/woman_with_a_parasol": "62d9d78faa81ea3423cdd3497145062dfbcb8a663f3e63f666d0f644cd778ec5",
    "johnson/starry_night": "40b6ce1d4b123711528a8fe38b3b90cc285c405b675a9237720b1d2b2dbe092d",
    "johnson/great_wave": "f2eff2f3e7a16244f6203b2a87896bc9ab5e569c041e66605d1d31093c53e92b",
    "johnson/the_scream": "225b64157dfcf40505f063af3d3407b44e7e8e1139c54f0c94f923a898c77cda",
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
