"""The tab that enlarges, without the page around it."""

import pytest
from model_files import gallery_folder
from stylize_files import cut_outs

pytest.importorskip("gradio", reason="needs the extra `web`")
from jaxnst.io.codec import load
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


def test_a_cut_out_is_shown_on_white_before_and_after(tmp_path):
    studio = Studio(tmp_path, str(gallery_folder(tmp_path)), Limits())
    (cut_out, *_) = cut_outs(tmp_path, 32)
    views, _ = UpscaleTab(studio).upscale(str(cut_out), 2, progress=lambda _: None)
    assert all(load(view).rgb[:8].min() > 0.95 for view in views)
