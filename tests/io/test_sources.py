"""Sources of frames, and the thread that keeps the newest of them."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_files import Scenes, scene, write_clip

from jaxnst.errors import JaxnstError
from jaxnst.io.capture import Capture, later_start, seconds_until
from jaxnst.io.codec import save
from jaxnst.io.sources import CameraSource, FileSource, FolderSource, all_frames, open_source
from jaxnst.io.video_reader import VideoReader

pytest.importorskip("cv2", reason="OpenCV misses libraries of the system", exc_type=ImportError)


PATIENCE = 60  # seconds, after which a test has failed; none waits so long if all is well


class GatedScenes(Scenes):
    """Scenes of which each comes when it is let through."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.gate = threading.Semaphore(0)

    def read(self) -> np.ndarray | None:
        self.gate.acquire(timeout=PATIENCE)
        return super().read()


def wait_for_end() -> None:
    """Returns when the thread of a capture has come to its end."""
    for thread in threading.enumerate():
        if thread.name == "capture":
            thread.join(PATIENCE)


def test_a_slow_reader_gets_the_newest_frame_and_the_others_are_counted() -> None:
    with Capture(Scenes(20)) as capture:
        wait_for_end()
        frame = capture.newest(0)
        assert frame is not None
        np.testing.assert_array_equal(frame.image, scene(19))
        assert capture.dropped == 19
        assert capture.has_ended
        assert capture.newest(0) is None


def test_a_fast_reader_gets_every_frame() -> None:
    source = GatedScenes(10)
    with Capture(source) as capture:
        for number in range(10):
            source.gate.release()
            frame = capture.newest(PATIENCE)
            assert frame is not None
            np.testing.assert_array_equal(frame.image, scene(number))
        source.gate.release()
        wait_for_end()
        assert capture.dropped == 0
        assert capture.has_ended


def test_no_thread_is_left_and_the_source_is_closed() -> None:
    source = Scenes(10_000_000)
    with Capture(source):
        assert "capture" in {thread.name for thread in threading.enumerate()}
    assert "capture" not in {thread.name for thread in threading.enumerate()}
    assert source.closed == 1


def test_the_frames_of_a_file_are_due_at_their_times(tmp_path: Path) -> None:
    times = [0.0, 0.05, 0.3, 0.35, 1.0]
    source = open_source(str(write_clip(tmp_path / "a.mp4", times)))
    assert isinstance(source, FileSource)
    assert source.size == (48, 64)
    due = []
    while source.read() is not None:
        due.append(source.due)
    assert due == pytest.approx(times)


def test_a_frame_waits_for_its_time_and_a_late_one_moves_all_that_follow() -> None:
    start = 100.0
    assert seconds_until(start, 0.5, now=100.2) == pytest.approx(0.3)
    assert later_start(start, 0.5, now=100.5) == start
    assert seconds_until(start, 0.5, now=102.5) == 0  # two seconds late
    start = later_start(start, 0.5, now=102.5)
    assert seconds_until(start, 0.6, now=102.5) == pytest.approx(0.1)
    assert seconds_until(start, None, now=0) == 0  # a camera is never early
    assert later_start(start, None, now=200) == start


def test_a_file_is_read_as_stylize_reads_it(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", [0.0, 0.1, 0.25])
    frames = [frame.image for frame in VideoReader(path).frames()]
    np.testing.assert_array_equal(list(all_frames(FileSource(str(path)))), frames)


class Stream(BaseHTTPRequestHandler):
    """A camera in the network: JPEG after JPEG in one answer, which never ends on purpose."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(60):
            picture = io.BytesIO()
            Image.fromarray(scene(number)).save(picture, "JPEG")
            data = picture.getvalue()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_stream_from_the_network_until_it_breaks_off() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = open_source(f"http://127.0.0.1:{server.server_port}/camera")
        assert isinstance(source, CameraSource)
        images = list(all_frames(source))
        source.close()
        server.shutdown()
    assert len(images) > 10
    assert images[0].shape == (48, 64, 3)
    assert np.abs(images[-1].astype(int) - images[0]).max() > 50  # the square has moved


def test_a_folder_gives_its_pictures_again_and_again(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / f"{number}.png", scene(number).astype(np.float32) / 255)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    source = open_source(str(tmp_path), fps=50)
    assert isinstance(source, FolderSource)
    for turn, number in enumerate((0, 1, 0, 1, 0)):
        image = source.read()
        assert image is not None
        assert source.due == pytest.approx(0.02 * turn)
        np.testing.assert_array_equal(image, scene(number))


def test_a_truncated_file_ends_early(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "a.mkv", [i / 20 for i in range(100)])
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    source = FileSource(str(tmp_path / "cut.mkv"))
    count = len(list(all_frames(source)))
    source.close()
    assert 0 < count < 100
    assert f"ends at frame {count} of about" in source.damage


@pytest.mark.parametrize("address", ["none.mp4", "7", "http://127.0.0.1:9/a", "."])
def test_what_gives_no_picture_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JaxnstError, match=address if address != "." else "no pictures"):
        open_source(address)


def test_a_folder_of_broken_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(JaxnstError, match="no picture that can be read"):
        open_source(str(tmp_path))


def test_what_goes_wrong_in_the_thread_is_told() -> None:
    class Broken(Scenes):
        def read(self) -> np.ndarray | None:
            raise RuntimeError("the driver has failed")

    source = Broken(1)
    with (
        Capture(source) as capture,
        pytest.raises(JaxnstError, match=r"scenes: reading failed \(the driver has failed\)"),
    ):
        capture.newest(PATIENCE)
    assert source.closed == 1


def test_a_text_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(JaxnstError, match=r"a\.mp4: cannot be read as a video"):
        open_source(str(tmp_path / "a.mp4"))
