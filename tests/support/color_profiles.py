"""ICC profiles for the tests, made byte by byte."""

import struct


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of a screen, with the tags that say what its values are."""
    start, table, data = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    size, white = start + len(data), struct.pack(">3i", 63190, 65536, 54061)  # D50
    head = struct.pack(">I4xI4s4s4s12x4s", size, 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + white
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def gamma(value: float) -> bytes:
    """The tag of a curve."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * value))


def rgb_profile(exponent: float) -> bytes:
    """A profile with the primaries of Adobe RGB."""
    red, green = (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087)
    primaries = red, green, (0.14919, 0.06322, 0.74457)
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * part) for part in color))
        for name, color in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(exponent)))


ADOBE_RGB = rgb_profile(2.199)


def in_adobe_rgb(srgb: tuple[int, int, int]) -> tuple[int, ...]:
    """The values that a color of sRGB has in Adobe RGB."""
    red, green, blue = (((value / 255 + 0.055) / 1.055) ** 2.4 for value in srgb)
    mixed = 0.7152 * red + 0.2848 * green, green, 0.0412 * green + 0.9588 * blue
    return tuple(round(255 * value ** (1 / 2.199)) for value in mixed)
