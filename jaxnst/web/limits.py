"""What one visitor of the page may ask of the server."""

import dataclasses

from jaxnst.errors import check_number


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one visitor may ask of the server."""

    megapixels: float = 50.0
    """Largest photo and largest result, in megapixels."""
    upload: float = 40.0
    """Largest file, in megabytes."""
    visitor_uploads: float = 400.0
    """Megabytes of files that one address may have here; each is kept for an hour."""
    storage: float = 4000.0
    """Megabytes of uploads by all visitors; results may take as much again."""
    queue: int = 20
    """Jobs that may wait in the queue."""
    viewers: int = 4
    """Webcams that may be painted at a time."""

    def __post_init__(self) -> None:
        check_number("megapixels", self.megapixels, low=0.1, high=200)
        check_number("upload", self.upload, low=0.1, high=1000)
        check_number("visitor_uploads", self.visitor_uploads, low=0.1, high=1e6)
        check_number("storage", self.storage, low=0.1, high=1e6)
        check_number("queue", self.queue, low=1, high=10_000)
        check_number("viewers", self.viewers, high=1000)

    @property
    def pixels(self) -> int:
        return int(1e6 * self.megapixels)
