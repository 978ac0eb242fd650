"""Pictures too large to work on as a whole, in overlapping tiles of rows."""

from typing import Any, NamedTuple


class RowTile(NamedTuple):
    """Rows [start, stop) that are computed together, of which [top, bottom) are the tile's own."""

    start: int
    stop: int
    top: int
    bottom: int

    @property
    def rows(self) -> slice:
        """All of its rows."""
        return slice(self.start, self.stop)

    def own(self, x: Any, stride: int = 1) -> Any:
        """Its own rows of features [N, H', ...] of all its rows."""
        return x[:, (self.top - self.start) // stride : (self.bottom - self.start) // stride]


def split_rows(height: int, rows: int, overlap: int = 0, alignment: int = 1) -> list[RowTile]:
    """Tiles from top to bottom; every row of the picture is one tile's own.

    All are of one height, so one compilation serves them. The first and the last end where the
    picture does, so its own border is where it would be without tiles.

    Args:
      height: rows of the picture.
      rows: a tile's own, a multiple of the alignment; the last tile may have fewer.
      overlap: rows beside its own that a tile has at least, but for those beyond the picture; a
        multiple of the alignment.
      alignment: tiles start at multiples of it.
    """
    extent = rows + 2 * overlap + height % alignment
    if extent >= height:
        return [RowTile(0, height, 0, height)]
    tiles = []
    for top in range(0, height, rows):
        start = min(max(top - overlap, 0), height - extent)
        tiles.append(RowTile(start, start + extent, top, min(top + rows, height)))
    return tiles
