"""Pictures survive the round trip through files, and hostile files are refused in one line."""

import errno
import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from color_profiles import ADOBE_RGB, gamma, in_adobe_rgb, profile, rgb_profile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import (
    Picture,
    check_writable_suffix,
    has_further_frames,
    load,
    load_mask,
    save,
)
from jaxnst.io.embedded_settings import read_settings
from jaxnst.io.folders import list_images, list_left_out
from jaxnst.io.resize import extend_by_reflection, fit_long_side, letterbox, resize

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SETTINGS = {"style_weight": 1e5, "layers": ["relu1_1", "relu4_2"], "name": "Café 🎨"}


def _smooth(height: int = 40, width: int = 48) -> np.ndarray:
    """A picture that lossy formats keep well, with no symmetry."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([x / width, y / height, (x + 2 * y) / (width + 2 * height)], axis=-1)


def _alpha(height: int = 40, width: int = 48) -> np.ndarray:
    return _smooth(height, width)[..., 0]


def _levels() -> np.ndarray:
    """Every 8-bit value, uint8 [32, 32]."""
    return np.arange(1024).reshape(32, 32).astype(np.uint8)


def _refusal(path: Any, **options: int) -> str:
    """The message with which `load` refuses, checked to be one line that names the file."""
    with pytest.raises(JaxnstError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("<stream>:" if hasattr(path, "read") else str(path))
    assert ";" in message
    return message


def _png_header(width: int, height: int) -> bytes:
    """A PNG with a valid IHDR and no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def _encoded(file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(pixels).save(stream, file_format, **options)
    return stream.getvalue()


# ---- round trips


@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [
        *[(suffix, 0) for suffix in (".png", ".PNG", ".tif", ".tiff", ".bmp")],
        *[(".jpg", 0.02), (".jpeg", 0.02), (".webp", 0.03)],
    ],
)
def test_round_trip(tmp_path: Path, suffix: str, tolerance: float) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, _smooth())
    picture = load(path)
    assert picture.rgb.dtype == np.float32
    assert picture.alpha is None
    assert picture.icc_profile is None
    np.testing.assert_allclose(picture.rgb, _smooth(), atol=tolerance + 0.5001 / 255)


def test_every_8_bit_value_survives(tmp_path: Path) -> None:
    rgb = np.repeat(_levels()[..., None], 3, axis=-1)
    save(tmp_path / "a.png", rgb / np.float32(255))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), rgb)
    save(tmp_path / "b.png", load(tmp_path / "a.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), rgb)


def test_values_are_rounded_and_clipped(tmp_path: Path) -> None:
    values = np.array([-1.0, 0.49 / 255, 0.51 / 255, 254.6 / 255, 7.0], np.float32)
    save(tmp_path / "a.png", np.repeat(values[None, :, None], 3, axis=-1))
    written = np.asarray(Image.open(tmp_path / "a.png"))[0, :, 0]
    np.testing.assert_array_equal(written, [0, 0, 1, 255, 255])


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_is_kept(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a{suffix}", Picture(_smooth(), _alpha()))
    loaded = load(tmp_path / f"a{suffix}")
    assert loaded.alpha is not None
    assert loaded.alpha.dtype == np.float32
    np.testing.assert_allclose(loaded.alpha, _alpha(), atol=0.5001 / 255)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_alpha_is_laid_over_white(tmp_path: Path, suffix: str) -> None:
    alpha = np.zeros((40, 48), np.float32)
    alpha[:, 24:] = 1.0
    save(tmp_path / f"a{suffix}", Picture(np.zeros((40, 48, 3), np.float32), alpha))
    loaded = load(tmp_path / f"a{suffix}")
    assert loaded.alpha is None
    assert loaded.rgb[:, :16].min() > 0.99
    assert loaded.rgb[:, 32:].max() < 0.01


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_icc_profile_is_kept(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a{suffix}", Picture(_smooth(), None, SRGB), settings=SETTINGS)
    assert load(tmp_path / f"a{suffix}").icc_profile == SRGB
    save(tmp_path / f"b{suffix}", Picture(_smooth(), None, rgb_profile(2.2)))
    kept = load(tmp_path / f"b{suffix}", keep_profile=True)
    assert kept.icc_profile == rgb_profile(2.2)
    np.testing.assert_allclose(kept.rgb, _smooth(), atol=0.04)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_settings_are_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, Picture(_smooth(), _alpha()), settings=SETTINGS)
    assert read_settings(path) == SETTINGS
    np.testing.assert_allclose(load(path).rgb.shape, (40, 48, 3))


def test_no_settings(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".bmp"):
        save(tmp_path / f"a{suffix}", _smooth(), settings=SETTINGS if suffix == ".bmp" else None)
        assert read_settings(tmp_path / f"a{suffix}") is None
    (tmp_path / "text.jpg").write_text("not a picture")
    assert read_settings(tmp_path / "text.jpg") is None
    assert read_settings(tmp_path / "none.jpg") is None


# ---- what cameras, scanners and editors write

UPRIGHT = {  # from the EXIF standard: where the stored row 0 and column 0 lie
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation(tmp_path: Path, orientation: int, file_format: str) -> None:
    stored = (_smooth() * 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a", file_format, exif=exif, quality=95)
    rgb = load(tmp_path / "a").rgb
    expected = UPRIGHT[orientation](stored) / np.float32(255)
    assert rgb.shape == expected.shape
    np.testing.assert_allclose(rgb, expected, atol=0.03 if file_format == "JPEG" else 1e-6)


def test_gray_becomes_rgb(tmp_path: Path) -> None:
    for mode in ("L", "1"):
        image = Image.fromarray(_levels()).convert(mode)
        image.save(tmp_path / "a.png")
        expected = np.asarray(image.convert("L")) / np.float32(255)
        np.testing.assert_array_equal(
            load(tmp_path / "a.png").rgb, expected[..., None].repeat(3, 2)
        )


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4"])
def test_16_bit_gray_at_full_depth(tmp_path: Path, dtype: str) -> None:
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.tif")
    rgb = load(tmp_path / "a.tif").rgb
    np.testing.assert_allclose(rgb[..., 1], values / 65535.0, atol=1e-7)
    assert rgb.max() == 1.0


def test_16_bit_gray_png(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_allclose(load(tmp_path / "a.png").rgb[..., 2], values / 65535.0, atol=1e-7)


def test_floating_point_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    values = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    Image.fromarray(values).save(path)
    np.testing.assert_array_equal(load(path).rgb[..., 0], values)
    for wrong in (values * 255, values - 0.5, np.where(values > 0.5, np.nan, values)):
        Image.fromarray(wrong.astype(np.float32)).save(path)
        assert "out of range; scale them to 0 ... 1" in _refusal(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_modes(tmp_path: Path, mode: str, suffix: str) -> None:
    image = Image.fromarray(_levels()).convert(mode)
    image.putalpha(Image.fromarray(_levels().T.copy()))
    image.save(tmp_path / f"a{suffix}")
    picture = load(tmp_path / f"a{suffix}")
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, _levels().T / np.float32(255))
    visible = picture.alpha > 0
    np.testing.assert_allclose(picture.rgb[visible, 0], _levels()[visible] / np.float32(255))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_files_that_look_alike_are_alike(tmp_path: Path, suffix: str) -> None:
    alpha = np.zeros((40, 48), np.uint8)
    alpha[10:30, 12:36] = 255
    alpha[9, 12:36] = 100
    pictures = []
    for hidden in ((0, 255, 0), (0, 0, 0), (255, 255, 255)):
        rgb = np.where(alpha[..., None] > 0, (_smooth() * 255).astype(np.uint8), np.uint8(hidden))
        image = Image.fromarray(np.dstack([rgb, alpha]))
        image.save(tmp_path / f"a{suffix}", lossless=True, exact=True)
        pictures.append(load(tmp_path / f"a{suffix}"))
    for picture in pictures:
        np.testing.assert_array_equal(picture.rgb, pictures[0].rgb)
        np.testing.assert_array_equal(picture.alpha, alpha / np.float32(255))


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    indices = np.zeros((32, 40), np.uint8)
    indices[:, 20:] = 1
    image = Image.fromarray(indices, mode=None).convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    for name, options in {"a.png": {}, "a.gif": {}, "b.png": {"transparency": 1}}.items():
        image.save(tmp_path / name, **options)
        picture = load(tmp_path / name)
        np.testing.assert_array_equal(picture.rgb[0, 0], [1, 0, 0])
        hidden = [1, 0, 0] if options else [0, 0, 1]  # what is visible goes on
        np.testing.assert_array_equal(picture.rgb[0, 39], hidden)
        assert (picture.alpha is not None) == bool(options)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, 1.0 - indices)


def test_first_frame_of_gif(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(load(tmp_path / "a.gif").rgb[5, 5], [1, 0, 0])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_what_looks_the_same_is_the_same_in_every_color_space(
    tmp_path: Path, suffix: str, mode: str
) -> None:
    color = (200, 120, 60)
    path, options = tmp_path / f"a{suffix}", {"lossless": True} if suffix == ".webp" else {}
    image = Image.new("RGB", (40, 40), in_adobe_rgb(color))
    if mode == "RGBA":
        image.putalpha(128)
    image = image.quantize(4) if mode == "P" else image
    image.save(path, icc_profile=ADOBE_RGB, **options)
    picture = load(path)
    assert picture.icc_profile is None
    np.testing.assert_allclose(picture.rgb[3, 3] * 255, color, atol=2)
    assert (picture.alpha is not None) == (mode == "RGBA")
    as_it_is = load(path, keep_profile=True)
    assert as_it_is.icc_profile == ADOBE_RGB
    np.testing.assert_allclose(as_it_is.rgb[3, 3] * 255, in_adobe_rgb(color), atol=1)


def test_a_bmp_which_holds_no_profile_is_in_srgb(tmp_path: Path) -> None:
    rgb = np.full((40, 40, 3), in_adobe_rgb((200, 120, 60)), np.float32) / 255
    save(tmp_path / "a.bmp", Picture(rgb, None, ADOBE_RGB))
    np.testing.assert_allclose(load(tmp_path / "a.bmp").rgb[3, 3] * 255, (200, 120, 60), atol=2)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_goes_through_its_profile(tmp_path: Path, mode: str) -> None:
    gray = Image.new("L", (40, 40), 128).convert(mode)
    gray.save(tmp_path / "a.png", icc_profile=profile(b"GRAY", {b"kTRC": gamma(1.0)}))
    picture = load(tmp_path / "a.png")
    np.testing.assert_allclose(picture.rgb[3, 3] * 255, [188] * 3, atol=2)  # half the light
    assert picture.icc_profile is None


def test_a_16_bit_gray_that_is_not_shown_is_transparent(tmp_path: Path) -> None:
    values = np.tile(np.arange(48, dtype=np.uint16) * 1000, (40, 1))
    Image.fromarray(values).save(tmp_path / "a.png", transparency=5000)
    picture = load(tmp_path / "a.png")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, np.where(values == 5000, 0, 1))
    np.testing.assert_allclose(picture.rgb[:, 9, 0], 9000 / 65535, atol=1e-6)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_further_frames_and_pages_are_known(tmp_path: Path, name: str) -> None:
    images = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    images[0].save(tmp_path / name, save_all=True, append_images=images[1:])
    assert has_further_frames(tmp_path / name)
    images[0].save(tmp_path / name)
    assert not has_further_frames(tmp_path / name)
    images[0].save(tmp_path / "a.mpo", save_all=True, append_images=images[1:])
    assert not has_further_frames(tmp_path / "a.mpo")
    assert not has_further_frames(tmp_path / "none")


def _cmyk_profile() -> bytes:
    """A tiny ICC profile for a press whose cyan is a middle gray and magenta and yellow nothing."""
    identity = bytes(range(256))
    corners = b"".join(  # of the cube C, M, Y, K: L*, a*, b*
        bytes([0 if index & 1 else 128 if index & 8 else 255, 128, 128]) for index in range(16)
    )
    matrix = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners + identity * 3
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50
    head = struct.pack(
        ">I4xI4s4s4s12x4s", 144 + len(table), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp"
    )
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + tags + table


def test_cmyk_goes_through_its_profile(tmp_path: Path) -> None:
    image = Image.new("CMYK", (40, 40), (255, 0, 0, 0))
    image.save(tmp_path / "plain.tif")
    np.testing.assert_array_equal(load(tmp_path / "plain.tif").rgb[3, 3], [0, 1, 1])
    image.save(tmp_path / "press.tif", icc_profile=_cmyk_profile())
    picture = load(tmp_path / "press.tif")
    np.testing.assert_allclose(picture.rgb[3, 3], [0.467] * 3, atol=0.02)  # L* = 50 in sRGB
    assert picture.icc_profile is None
    image.save(tmp_path / "broken.tif", icc_profile=b"not a profile")
    np.testing.assert_array_equal(load(tmp_path / "broken.tif").rgb[3, 3], [0, 1, 1])


def test_profile_of_another_color_space_is_not_kept(tmp_path: Path) -> None:
    Image.fromarray(_levels()).save(tmp_path / "gray.png", icc_profile=SRGB)
    assert load(tmp_path / "gray.png").icc_profile is None
    gray_profile = SRGB[:16] + b"GRAY" + SRGB[20:]
    save(tmp_path / "a.png", Picture(_smooth(), None, gray_profile))
    assert load(tmp_path / "a.png").icc_profile is None


def test_stream() -> None:
    assert load(io.BytesIO(_encoded("PNG"))).rgb.shape == (40, 48, 3)
    assert "unknown format" in _refusal(io.BytesIO(b"not a picture"))


# ---- refusals


def test_missing_folder_and_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert "no such file" in _refusal(tmp_path / "none.png")
    assert "is a folder" in _refusal(tmp_path)
    assert "is empty" in _refusal(tmp_path / "empty.png")


def test_text_and_unlisted_formats(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("Dear diary, this is not a photo.\n" * 50)
    assert "give a JPEG, PNG" in _refusal(tmp_path / "text.jpg")
    for unlisted in ("ICO", "PCX", "SGI"):
        Image.new("RGB", (64, 64)).save(tmp_path / "a.png", unlisted)
        assert "unknown format" in _refusal(tmp_path / "a.png")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("part", [0.01, 0.5, 0.9])
def test_truncated(tmp_path: Path, file_format: str, part: float) -> None:
    data = _encoded(file_format)
    (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * part)])
    assert "not a picture that can be read" in _refusal(tmp_path / "a.jpg")


def test_smallest_side(tmp_path: Path) -> None:
    for size in ((31, 31), (31, 500), (500, 31)):
        Image.new("RGB", size).save(tmp_path / "a.png")
        message = _refusal(tmp_path / "a.png")
        assert f"{size[0]}x{size[1]}" in message
        assert "32x32" in message
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    assert load(tmp_path / "a.png").rgb.shape == (32, 32, 3)
    assert "64x64" in _refusal(tmp_path / "a.png", min_side=64)


def _bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def _gif_header(width: int, height: int) -> bytes:
    """A GIF whose screen is small and whose first frame is not."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return b"GIF89a" + struct.pack("<HHBBB", 40, 40, 0x80, 0, 0) + bytes(6) + frame + b"\x08\0;"


@pytest.mark.parametrize("header", [_png_header, _bmp_header, _gif_header])
def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, header: Any) -> None:
    (tmp_path / "bomb.png").write_bytes(header(60_000, 60_000))
    message = _refusal(tmp_path / "bomb.png")
    assert "60000x60000" in message
    assert "200 megapixels" in message


def test_limit_of_pixels_can_be_set_and_never_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (100, 50)).save(tmp_path / "a.png")
    assert "0.004999 megapixels" in _refusal(tmp_path / "a.png", max_pixels=4999)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)  # Pillow would warn above, raise at twice
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(tmp_path / "a.png", max_pixels=5000).rgb.shape == (50, 100, 3)
    assert Image.MAX_IMAGE_PIXELS == 4000


def test_threads_leave_warnings_as_they_were() -> None:
    data, before = _encoded("JPEG"), list(warnings.filters)
    threads = [threading.Thread(target=lambda: load(io.BytesIO(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


VALID = {name: _encoded(name) for name in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")}


@settings(max_examples=100, deadline=None, database=None)
@given(
    name=st.sampled_from(sorted(VALID)),
    keep=st.integers(8, 200),
    noise=st.binary(max_size=400),
    rest=st.booleans(),
)
@example(name="PNG", keep=33, noise=b"\0\0\0\0IDAT", rest=False)
def test_random_bytes_never_raise_anything_else(
    name: str, keep: int, noise: bytes, rest: bool
) -> None:
    data = VALID[name][:keep] + noise + (VALID[name][keep + len(noise) :] if rest else b"")
    try:
        picture = load(io.BytesIO(data))
    except JaxnstError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 (most cases raise, some may load)
    else:
        assert np.isfinite(picture.rgb).all()


# ---- saving


def test_suffixes(tmp_path: Path) -> None:
    assert check_writable_suffix("a.JPG") == "JPEG"
    for wrong in ("a.gif", "a", "a.jpg.txt"):
        with pytest.raises(JaxnstError, match=r"\.png \.jpg \.jpeg \.webp \.tif \.tiff \.bmp"):
            save(tmp_path / wrong, _smooth())
    assert os.listdir(tmp_path) == []


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(_: Image.Image, path: Path, *__: Any, **___: Any) -> None:
        Path(path).write_bytes(b"half a picture")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.png"
    save(path, _smooth())
    before = path.read_bytes()
    monkeypatch.setattr(Image.Image, "save", fill_the_disk)
    with pytest.raises(JaxnstError, match=r"a\.png: cannot be written \(No space left on device\)"):
        save(path, 1.0 - _smooth())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_save_refuses_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(JaxnstError, match="there is no folder"):
        save(tmp_path / "none" / "a.png", _smooth())
    with pytest.raises(JaxnstError, match="not finite"):
        save(tmp_path / "a.png", np.full((40, 40, 3), np.nan))
    with pytest.raises(JaxnstError, match=r"16384x1 pixels are more than WEBP can hold"):
        save(tmp_path / "a.webp", np.zeros((1, 16384, 3)))
    with pytest.raises(JaxnstError, match="EXIF data is too long"):
        save(tmp_path / "a.jpg", _smooth(), settings={"prompt": "x" * 70_000})
    with pytest.raises(ValueError, match=r"\[H, W, 3\]"):
        save(tmp_path / "a.png", np.zeros((40, 40)))
    assert os.listdir(tmp_path) == []


# ---- folders, sizes and masks


def test_list_images(tmp_path: Path) -> None:
    with pytest.raises(JaxnstError, match="no pictures"):
        list_images(tmp_path)
    for name in ("b.png", "a.JPG", "notes.txt", "._a.jpg", "c.gif"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.JPG", "b.png", "c.gif"]
    with pytest.raises(JaxnstError, match="not a folder"):
        list_images(tmp_path / "none")


def test_a_folder_that_links_lead_back_to_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for path in (tmp_path / "a.png", tmp_path / "sub" / "b.png"):
        save(path, _smooth())
    for link in ("again", "once_more", "sub/up", "sub/up_as_well"):
        (tmp_path / link).symlink_to(tmp_path)
    found = list_images(tmp_path, recursive=True)
    assert found == [tmp_path / "a.png", tmp_path / "sub" / "b.png"]


def test_a_folder_within_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    read = Path.iterdir

    def iterdir(folder: Path) -> Any:
        if folder.name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return read(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(JaxnstError, match=r"locked: not a folder that can be read \(Permission"):
        list_images(tmp_path, recursive=True)


def test_files_of_a_folder_that_are_left_out_are_listed(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("b.mp4", "a.jpg", "A.txt", ".hidden.mp4", "more/c.pdf"):
        (tmp_path / name).touch()
    assert [path.name for path in list_left_out(tmp_path)] == ["A.txt", "b.mp4"]
    assert [path.name for path in list_left_out(tmp_path, recursive=True)][-1] == "c.pdf"
    with pytest.raises(JaxnstError, match="not a folder"):
        list_left_out(tmp_path / "none")


def test_resize_is_the_identity_at_the_same_size() -> None:
    np.testing.assert_array_equal(resize(_smooth(), (40, 48)), _smooth())


def test_resize_is_antialiased_and_clipped() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (64, 32))
    small = resize(stripes, (16, 16))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small[:, 2:-2], 0.5, atol=0.02)
    step = np.zeros((32, 32, 2), np.float32)
    step[:, 16:] = 1.0
    large = resize(step, (50, 100))
    assert large.shape == (50, 100, 2)
    assert large.min() == 0.0
    assert large.max() == 1.0
    np.testing.assert_array_equal(large[:, :47], 0.0)  # no ringing in a mask's zeros


def test_resize_keeps_smooth_pictures() -> None:
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(
        resize(resize(_smooth(), (80, 96)), (40, 48))[inner], _smooth()[inner], atol=2e-3
    )


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((1000, 500), 512, (512, 256)),
        ((500, 1000), 512, (256, 512)),
        ((300, 400), 1000, (750, 1000)),
        ((150, 6000), 512, (13, 512)),
        ((20_000, 2), 512, (512, 1)),
        ((100, 100), 10, (10, 10)),
        ((3, 2), 101, (101, 67)),
    ],
)
def test_fit_long_side(size: tuple[int, int], long_side: int, expected: tuple[int, int]) -> None:
    assert fit_long_side(size, long_side) == expected


@pytest.mark.parametrize(
    ("size", "inside"),
    [
        ((20, 40), np.s_[10:50, :]),  # black above and below
        ((40, 20), np.s_[:, 25:55]),  # and to the left and right
        ((59, 79), np.s_[:, :]),
    ],
)
def test_a_letterbox_shows_the_whole_picture(size: tuple[int, int], inside: Any) -> None:
    boxed = letterbox(np.full((*size, 3), 200, np.uint8), (60, 80))
    wanted = np.zeros((60, 80, 3), np.uint8)
    wanted[inside] = 200
    np.testing.assert_array_equal(boxed, wanted)
    assert letterbox(boxed, (60, 80)) is boxed


def test_a_picture_goes_on_as_its_reflection_on_a_larger_canvas() -> None:
    image = np.arange(6)[:, None] * np.ones((6, 8))
    larger = extend_by_reflection(image, (3, 4), (7, 4))
    np.testing.assert_array_equal(larger[:, 0], [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0, 1])
    assert extend_by_reflection(np.ones((6, 8, 3)), (3, 4), (3, 8)).shape == (6, 16, 3)


def test_load_mask(tmp_path: Path) -> None:
    Image.fromarray(_levels()).save(tmp_path / "mask.png")
    mask, was_resized = load_mask(tmp_path / "mask.png", (32, 32))
    assert not was_resized
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, _levels() / np.float32(255))
    mask, was_resized = load_mask(tmp_path / "mask.png", (20, 10))
    assert was_resized
    assert mask.shape == (20, 10)


def test_what_is_transparent_in_a_mask_is_black(tmp_path: Path) -> None:
    image = Image.new("LA", (40, 40), (255, 0))
    image.paste((255, 255), (0, 0, 20, 40))
    image.save(tmp_path / "mask.png")
    mask, _ = load_mask(tmp_path / "mask.png", (40, 40))
    np.testing.assert_array_equal(mask[7], [1] * 20 + [0] * 20)


def test_with_rgb_keeps_the_rest() -> None:
    picture = Picture(_smooth(), _alpha(), SRGB)
    same = picture.with_rgb(1.0 - _smooth())
    np.testing.assert_array_equal(same.alpha, _alpha())
    half = picture.with_rgb(np.zeros((20, 24, 3)))
    assert half.alpha is not None
    assert half.alpha.shape == (20, 24)
    assert half.rgb.dtype == np.float32
    assert half.icc_profile == SRGB
    assert Picture(_smooth()).with_rgb(np.zeros((9, 9, 3))).alpha is None
