"""The tab that enlarges, without the page around it."""

import pytest
from model_files import gallery_folder

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.networks.model_file import upscaling_model
from jaxnst.web.limits import Limits
from jaxnst.web.shared import Studio
from jaxnst.web.upscale_tab import UpscaleTab

pytestmark = pytest.mark.filterwarnings("ignore")  # of Gradio and what it stands on


@pytest.mark.parametrize(("scale", "offered"), [(2, False), (4, True), (8, True)])
def test_sharper_is_offered_only_where_a_network_is_there(tmp_path, scale, offered):
    studio = Studio(tmp_path, str(gallery_folder(tmp_path)), Limits())
    update = UpscaleTab(studio)._sharpness(scale)
    assert update["interactive"] == offered
    assert offered or update["value"] is False
    if offered:
        assert upscaling_model(scale, sharp=True)
