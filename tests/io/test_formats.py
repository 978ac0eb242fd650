"""Formats of phones, scanners and other programs are read, by threads at once."""

import io
import struct
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import has_picture_header, load, size_in_header
from jaxnst.io.folders import list_images, list_left_out
from jaxnst.io.formats import open_image


def _soft(width: int = 48, height: int = 40) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([255 * x / width, 255 * y / height, 2 * (x + y)], axis=-1)
    return Image.fromarray(rgb.astype(np.uint8))


@pytest.mark.parametrize(
    ("suffix", "file_format"),
    [
        *[(suffix, "JPEG") for suffix in (".jfif", ".jpe")],
        *[(suffix, "PPM") for suffix in (".ppm", ".pnm")],
        *[(suffix, "JPEG2000") for suffix in (".jp2", ".j2k")],
        *[(".mpo", "MPO"), (".avif", "AVIF"), (".TGA", "TGA")],
    ],
)
def test_formats_are_read(tmp_path: Path, suffix: str, file_format: str) -> None:
    path = tmp_path / f"a{suffix}"
    _soft().save(path, file_format)
    assert list_images(tmp_path) == [path]
    assert size_in_header(path) == (48, 40)
    np.testing.assert_allclose(load(path).rgb, np.asarray(_soft()) / 255, atol=0.08)


def test_only_a_files_name_makes_it_a_tga(tmp_path: Path) -> None:
    """It has no signature, and the first bytes of an MPEG stream are those of one."""
    _soft().save(tmp_path / "a.tga")
    (tmp_path / "a.mpg").write_bytes((tmp_path / "a.tga").read_bytes())
    assert has_picture_header(tmp_path / "a.tga")
    assert not has_picture_header(tmp_path / "a.mpg")


def test_a_pgm_is_read_at_its_full_depth(tmp_path: Path) -> None:
    values = np.arange(40 * 40).reshape(40, 40) * 40
    (tmp_path / "a.pgm").write_bytes(b"P5 40 40 65535\n" + values.astype(">u2").tobytes())
    assert list_images(tmp_path)
    found = load(tmp_path / "a.pgm").rgb[..., 0]
    np.testing.assert_allclose(found, values / 65535, atol=1e-6)


@pytest.mark.parametrize(("bits", "compression"), [(8, 1), (16, 8), (16, 1)])
def test_a_tiff_of_planes_is_read_or_refused_and_never_noise(
    tmp_path: Path, bits: int, compression: int
) -> None:
    pixels = np.asarray(_soft()).astype(np.uint32) * (257 if bits == 16 else 1)
    planes = [pixels[..., i].astype(f"<u{bits // 8}").tobytes() for i in range(3)]
    planes = [zlib.compress(plane) if compression == 8 else plane for plane in planes]
    lengths, table = [len(plane) for plane in planes], 8 + 2 + 10 * 12 + 4
    places = [table + 30 + sum(lengths[:i]) for i in range(3)]
    tags = [  # number, type, count, value or place
        *((256, 3, 1, 48), (257, 3, 1, 40), (258, 3, 3, table), (259, 3, 1, compression)),
        *((262, 3, 1, 2), (273, 4, 3, table + 6), (277, 3, 1, 3), (278, 3, 1, 40)),
        *((279, 4, 3, table + 18), (284, 3, 1, 2)),
    ]
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    head += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    head += struct.pack("<3H6I", bits, bits, bits, *places, *lengths)
    (tmp_path / "a.tif").write_bytes(head + b"".join(planes))
    if (bits, compression) == (16, 1):
        with pytest.raises(JaxnstError, match="16-bit planes without compression"):
            load(tmp_path / "a.tif")
    else:
        np.testing.assert_allclose(load(tmp_path / "a.tif").rgb * 255, np.asarray(_soft()), atol=1)


def test_heic_is_read_with_its_rotation(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="needs the extra `heic`")
    exif = Image.Exif()
    exif[0x0112] = 6
    heif.from_pillow(_soft()).save(tmp_path / "a.HEIC", quality=95, exif=exif.tobytes())
    assert list_images(tmp_path) == [tmp_path / "a.HEIC"]
    turned = np.rot90(np.asarray(_soft()), -1) / 255
    np.testing.assert_allclose(load(tmp_path / "a.HEIC").rgb, turned, atol=0.08)


def test_heic_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    path = tmp_path / "a.heic"
    path.write_bytes(struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(JaxnstError, match=r"a\.heic: .*pip install 'jaxnst\[heic\]'"):
        load(path)
    with pytest.raises(JaxnstError, match=r"no pictures .*pip install 'jaxnst\[heic\]'"):
        list_images(tmp_path)
    assert list_left_out(tmp_path) == [path]


def _float_tiff(channels: int) -> bytes:
    """A TIFF [40, 40, channels] of 32-bit floats."""
    size = 40 * 40 * channels * 4
    entries = [
        *[(256, 40), (257, 40), (258, 32), (259, 1), (262, 2), (273, 8)],
        *[(277, channels), (278, 40), (279, size), (339, 3)],
    ]
    ends = 8 + size
    lists = ends + 2 + 12 * len(entries) + 4  # what does not fit into an entry
    directory, rest = struct.pack("<H", len(entries)), b""
    for tag, value in entries:
        if tag in (258, 339):  # one for each channel
            directory += struct.pack("<HHII", tag, 3, channels, lists + len(rest))
            rest += struct.pack(f"<{channels}H", *[value] * channels)
        else:
            directory += struct.pack("<HHII", tag, 4, 1, value)
    return struct.pack("<2sHI", b"II", 42, ends) + bytes(size) + directory + bytes(4) + rest


def test_a_tiff_of_floats_in_color_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(_float_tiff(3))
    with pytest.raises(JaxnstError, match="3 channels of 32-bit floats, not of 8 or 16 bits"):
        load(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(JaxnstError, match="damaged header"):
        load(path)


def test_threads_decode_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits in the decoder for the other: in turns, both would fail."""
    both, decode = threading.Barrier(2, timeout=20), ImageFile.ImageFile.load

    def load_together(image: ImageFile.ImageFile) -> object:
        both.wait()
        return decode(image)

    stream = io.BytesIO()
    _soft().save(stream, "BMP")
    pictures: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: pictures.append(load(io.BytesIO(stream.getvalue())).rgb))
        for _ in range(2)
    ]
    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", load_together)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(pictures) == 2


def test_what_is_global_to_pillow_is_put_back_by_the_last_to_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    stream = io.BytesIO()
    _soft().save(stream, "BMP")
    first, second = (open_image(io.BytesIO(stream.getvalue())) for _ in range(2))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (None, False)
    second.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (4000, True)
