"""The public interface: every name is there, and importing the package costs nothing."""

import subprocess
import sys

import pytest

import jaxnst


@pytest.mark.parametrize("name", jaxnst.__all__)
def test_public_name_is_there(name):
    assert getattr(jaxnst, name).__doc__
    assert name in dir(jaxnst)


def test_measures_are_public():
    assert {"psnr", "ssim", "feature_distance"} <= set(jaxnst.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'metrics'"):
        jaxnst.metrics  # noqa: B018


def test_import_does_not_load_jax():
    code = "import sys, jaxnst; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
