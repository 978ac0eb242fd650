"""The public interface: every name leads to something with a docstring."""

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
