"""Sources of frames, and the thread that keeps the newest of them."""

import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_files import Scenes, scene, write_clip

from jaxnst.errors import JaxnstError
from jaxnst.io.codec import save
from jaxnst.io.sources import Capture, FolderSource, VideoSource, open_source

pytest.importorskip("cv2", reason="OpenCV misses libraries of the system", exc_type=ImportError)


def test_a_slow_reader_gets_the_newest_frame_and_the_others_are_counted() -> None:
    with Capture(Scenes(20, 0.01)) as capture:
        time.sleep(0.6)
        frame = capture.newest(1)
        assert frame is not None
        np.testing.assert_array_equal(frame.image, scene(19))
        assert capture.dropped == 19
        assert capture.has_ended
        assert capture.newest(0) is None


def test_a_fast_reader_gets_every_frame_at_once() -> None:
    with Capture(Scenes(10, 0.03)) as capture:
        ages = []
        while not capture.has_ended:
            frame = capture.newest(1)
            if frame is not None:
                ages.append(time.monotonic() - frame.time)
        assert len(ages) == 10
        assert capture.dropped == 0
        assert np.median(ages) < 0.02


def test_no_thread_is_left_and_the_source_is_closed() -> None:
    source = Scenes(10_000, 0.001)
    with Capture(source):
        assert "capture" in {thread.name for thread in threading.enumerate()}
    assert "capture" not in {thread.name for thread in threading.enumerate()}
    assert source.closed == 1


def test_a_file_comes_at_its_own_pace(tmp_path: Path) -> None:
    source = open_source(str(write_clip(tmp_path / "a.mp4", [i / 20 for i in range(20)])))
    assert source.size == (48, 64)
    assert source.rate == pytest.approx(20, rel=0.1)
    with Capture(source) as capture:
        times = []
        while not capture.has_ended:
            frame = capture.newest(1)
            if frame is not None:
                times.append(frame.time)
    assert 0.6 < times[-1] - times[0] < 2.5  # 0.95 s of film


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
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_stream_from_the_network_until_it_breaks_off() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = open_source(f"http://127.0.0.1:{server.server_port}/camera")
        with Capture(source) as capture:
            images = []
            while not capture.has_ended:
                frame = capture.newest(1)
                if frame is not None:
                    images.append(frame.image)
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
    whole = write_clip(tmp_path / "a.mkv", [i / 20 for i in range(400)], size=(240, 320))
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    source = VideoSource(str(tmp_path / "cut.mkv"))
    count = 0
    while source.read() is not None:
        count += 1
    source.close()
    assert 0 < count < 400


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
        capture.newest(1)
    assert source.closed == 1


def test_a_text_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(JaxnstError, match=r"a\.mp4: cannot be opened"):
        open_source(str(tmp_path / "a.mp4"))
