"""What a machine without OpenCV's libraries is told."""

import sys
from pathlib import Path

import pytest

from jaxnst.errors import JaxnstError
from jaxnst.io.opencv import import_cv2


@pytest.mark.parametrize(
    ("library", "packages"),
    [
        ("libxcb.so.1", "libxcb1"),
        ("libGL.so.1", "libgl1"),
        ("libgthread-2.0.so.0", "libglib2.0-0"),
        ("libother.so.3", "libxcb1 libgl1 libglib2.0-0"),
    ],
)
def test_the_package_of_the_missing_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, packages: str
) -> None:
    cause = f"{library}: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({cause!r})")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    with pytest.raises(JaxnstError) as caught:
        import_cv2()
    assert f"({cause}): install {packages}, as Debian" in str(caught.value)
