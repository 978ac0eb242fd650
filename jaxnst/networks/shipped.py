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
    "slim/composition_vii": "6c7e9c8df58761a3607dab38c5033553203c9fdc3957dd4b1daefa56880a1a03",
    "slim/udnie": "c3e21384099b22446d62e21fff004e24dfc64d16f68ce1da8c6a23297beae1d2",
    "slim/wheat_field": "72a350b5059f24a61dcfd02eb78d53d082afb275863965f1e18e409d23506ec0",
    "slim/woman_with_a_hat": "55b54f67e692aaa1eae551703ae5d33c6a89405ab5b0e1030ae40ce6fed1c819",
    "slim/delaunay": "bbd46ae3853be367b0c6243e8e705ae1acd483e24dc3892698c86b4ab2dea4b6",
    "slim/impression_sunrise": "9728f7c23b685b424246d5c03ba90f51c0564b03fe22b5cbb280d4849d636433",
    "slim/edtaonisl": "99de5073133c3869bfa20f57d85164862c16de3f91e81606b1ffc370fb84beb3",
    "slim/the_kiss": "4d0481db12dee7f1db8d56010dff4721fa727052457c9c1a9a2cbe7cb2175345",
    "slim/water_lilies": "0215f621daa5f08424d16fe6f5bb9c42165d14ff1a4e2cc2a80af07a1f74d698",
    "slim/grande_jatte": "2a9d9d71928922439e18e914088080e06f0701867df2b9d2176ed8f80a05ab09",
    "slim/night_cafe": "78f2441e68f3ba6e28ded0a90b9074ccd28f8e7298d83644400f9f5296e3e530",
    "slim/olive_trees": "ceddbb298364490448eaccededb673a211e6b0e8f7e91b6b2547b2ea4cdb5f7d",
    "slim/thatched_cottages": "f3a34f7ecca60e9a1c8b849a06e3810d7283c42e63f2dcb759dd0f84c1d2cd43",
    "slim/self_portrait": "e162f7957fa05dc0a9c380aea2eb0264a310116400009458893ac038b1dc2188",
    "slim/jas_de_bouffan": "df66d89acfd554fcf4724f3dc1b50456591c1a0eca471f26bd2d2112aa5802d3",
    "slim/woman_with_a_parasol": "16911e5c0b66a26b04f904051cbbaa69ee7c1986568de15caa0ce08b3f020a69",
    "johnson/starry_night": "40b6ce1d4b123711528a8fe38b3b90cc285c405b675a9237720b1d2b2dbe092d",
    "johnson/great_wave": "f2eff2f3e7a16244f6203b2a87896bc9ab5e569c041e66605d1d31093c53e92b",
    "johnson/the_scream": "225b64157dfcf40505f063af3d3407b44e7e8e1139c54f0c94f923a898c77cda",
    "johnson/udnie": "e462be11bd6d6c4e574211b65b59d376bb2e2eccc5ca861bf22ecff4f45a6807",
    "decoder_relu3_1": "ae1f60f72473a13d6b8e361f954354a364be12b0148135d311c4bd2690799610",
    "johnson_upscale_x4": "846d814e00c5cfb20f5ab22d0cbfc5c8dccde9abfc2aa2280d4c5fa398d2a3ff",
    "upscale_x2": "de7b4338af8d04468f8cde34dbb990205c7faedbf245e50622ee496099df1942",
    "upscale_x4": "232958f0a8a2a170c006761fd08b79225703a5b1aa19bec6923a9b95f019c23d",
    "upscale_x4_features": "84bc3684a8cd412c1a58021ce3387d294ca5ba50d03f7e744d698f8e1ec9c349",
    "upscale_x8": "e54a338c3807acbdf2128af9b76e12fe31420e97aa7b1c9e86f6073facecf189",
    "upscale_x8_features": "db72e1503adea309dcc383f45a6ede87ab5552ded87214b229ee38fcde31237f",
}
"""By the path below ASSETS, without the suffix: GALLERY/STYLE for networks that paint."""
