"""Addresses in buckets go the ways of paths: read, written whole or not at all, and listed."""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from bucket_files import Store, leads_to
from PIL import Image
from stylize_files import picture

from jaxnst.errors import JaxnstError
from jaxnst.io.buckets import as_given, in_bucket
from jaxnst.io.codec import load, save
from jaxnst.io.embedded_settings import read_settings
from jaxnst.io.files import atomic_write, check_creatable, display_name, hashed, open_binary
from jaxnst.io.folders import is_folder, list_images, list_left_out


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    return leads_to(Store(), monkeypatch)


@pytest.mark.parametrize("address", ["s3://photos/a b.png", "gs://photos/sub/ü.jpg", "s3://photos"])
def test_a_path_that_was_an_address_is_one_again(address: str) -> None:
    path = Path(address)
    assert in_bucket(path)
    assert as_given(path) == display_name(path) == display_name(address) == address
    assert as_given(path.parent / "b.png") == as_given(f"{address.rpartition('/')[0]}/b.png")


@pytest.mark.parametrize("name", ["s3", "s3:", "a/s3://b/c", "s4://b/c", "/s3:/b/c", "https://b/c"])
def test_what_is_no_address_in_a_bucket_is_a_path(name: str) -> None:
    assert not in_bucket(name)
    assert not in_bucket(Path(name))
    assert as_given(Path(name)) == str(Path(name))


def test_a_picture_is_written_and_read_with_its_settings(store: Store) -> None:
    path, rgb = Path("s3://photos/deep/a.png"), np.full((32, 40, 3), 0.2, np.float32)
    save(path, rgb, settings={"style": "wave"})
    assert list(store.files) == ["photos/deep/a.png"]
    np.testing.assert_array_equal(load(path).rgb, rgb)
    assert read_settings(path) == {"style": "wave"}


def test_a_photo_is_downloaded_once_to_be_hashed_and_painted(store: Store, tmp_path) -> None:
    for seed in (1, 2):  # the second one takes the place of the first
        file = picture(tmp_path / "a.png", seed)
        store.pipe_file("photos/a.png", file.read_bytes())
        store.read.clear()
        assert hashed([Path("s3://photos/a.png")]) == hashed([file])
        np.testing.assert_array_equal(load("s3://photos/a.png").rgb, load(file).rgb)
        assert store.read == ["photos/a.png"]


def test_a_format_that_only_the_name_tells_is_read(store: Store, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.tga")
    store.pipe_file("photos/a.tga", (tmp_path / "a.tga").read_bytes())
    assert load("s3://photos/a.tga").rgb[0, 0].tolist() == [1, 0, 0]


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_nobody_else_can_read_what_is_to_be_uploaded(store: Store) -> None:
    with atomic_write("s3://photos/a.json") as temporary:
        temporary.write_text("mine")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    assert store.files == {"photos/a.json": b"mine"}


def test_a_block_that_fails_leaves_what_was_there(store: Store) -> None:
    store.pipe_file("photos/a.json", b"old")
    begun = list[Path]()
    with suppress(KeyError), atomic_write("s3://photos/a.json") as temporary:
        temporary.write_text("half")
        begun.append(temporary)
        raise KeyError
    assert store.files == {"photos/a.json": b"old"}
    assert [path.exists() for path in begun] == [False]


def test_an_upload_that_fails_is_told_in_the_words_of_the_store(store: Store) -> None:
    store.pipe_file("photos/a.json", b"old")
    store.fails = True
    message = r"^s3://photos/a.json: cannot be written \(SlowDown: try later\); give another path$"
    with pytest.raises(JaxnstError, match=message), atomic_write("s3://photos/a.json") as temporary:
        temporary.write_text("new")
    assert store.files == {"photos/a.json": b"old"}
    assert not temporary.exists()


def test_a_full_or_missing_folder_of_temporary_files_is_told_and_not_the_bucket(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(JaxnstError) as full, atomic_write("s3://photos/a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(JaxnstError) as gone, atomic_write("s3://photos/a.json"):
        pass
    advice = "first: free some space there or set TMPDIR to another folder"
    cannot = "s3://photos/a.json: cannot be written"
    assert str(full.value) == (
        f"{cannot} (No space left on device); it is made in {tmp_path} {advice}"
    )
    assert str(gone.value) == (
        f"{cannot} (No such file or directory); it is made in {tmp_path / 'gone'} {advice}"
    )
    assert store.files == {}


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("s3://locked/a.png", "no rights to it: Access Denied"),
        ("s3://gone/a.png", "there is no such file or bucket"),
        ("s3://a.png", "names a bucket, and no file in it"),
    ],
)
def test_that_nothing_can_be_written_is_known_before(store: Store, address, cause) -> None:
    with pytest.raises(JaxnstError) as caught:
        check_creatable(address)
    assert str(caught.value) == f"{address}: cannot be written ({cause}); give another path"


def test_the_try_whether_one_may_write_leaves_nothing(store: Store) -> None:
    store.pipe_file("photos/a.png", b"old")
    check_creatable("s3://photos/a.png")
    check_creatable("s3://photos/new/b.png")
    assert store.files == {"photos/a.png": b"old"}


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("s3://photos/gone.png", "there is no such file or bucket"),
        ("s3://gone/a.png", "there is no such file or bucket"),
        ("s3://photos/deep", "is a folder"),
        ("s3://photos/film.png", "3.0 GB are too large for a picture"),
    ],
)
def test_what_cannot_be_read_is_one_line(store: Store, monkeypatch, address, cause) -> None:
    store.pipe_file("photos/deep/a.png", b"a")
    store.pipe_file("photos/film.png", b"123")
    monkeypatch.setattr("jaxnst.io.buckets._MOST_BYTES", 2)
    cause = cause.replace("3.0", "0.0")
    message = f"{address}: cannot be opened ({cause}); give a file you may read"
    with pytest.raises(JaxnstError) as caught, open_binary(address):
        pass
    assert str(caught.value) == message
    assert store.read == []


def test_the_pictures_of_a_folder_are_listed(store: Store) -> None:
    for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt", "deeper/c.png"):
        store.pipe_file(f"photos/in/{name}", b"1")
    folder = Path("s3://photos/in")
    assert is_folder(folder)
    assert is_folder("s3://photos")
    assert not is_folder("s3://photos/in/b.png")
    assert not is_folder("s3://photos/i")
    assert list(map(as_given, list_images(folder))) == [
        "s3://photos/in/a.JPG",
        "s3://photos/in/b.png",
    ]
    assert [path.name for path in list_left_out(folder)] == ["notes.txt"]


def test_folders_in_a_folder_are_listed_but_for_hidden_ones(store: Store) -> None:
    for name in ("b.png", "deeper/c.png", "deeper/.hidden/d.png", ".hidden/e.png"):
        store.pipe_file(f"photos/in/{name}", b"1")
    assert list(map(as_given, list_images("s3://photos/in/", recursive=True))) == [
        "s3://photos/in/b.png",
        "s3://photos/in/deeper/c.png",
    ]


def test_a_folder_of_no_files_is_told(store: Store) -> None:
    with pytest.raises(
        JaxnstError, match=r"^s3://photos/in: not a folder that can be read \(there"
    ):
        list_images("s3://photos/in")


@pytest.mark.parametrize(("scheme", "package"), [("s3", "s3fs"), ("gs", "gcsfs")])
def test_the_extra_that_is_missing_is_named(monkeypatch, scheme: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    needs = f"{scheme}:// needs {package}, which is not installed: pip install 'jaxnst[{scheme}]'"
    address = f"{scheme}://photos/a.png"
    for name, use in {
        "cannot be reached": is_folder,
        "cannot be opened": load,
        "cannot be written": check_creatable,
    }.items():
        with pytest.raises(JaxnstError) as caught:
            use(address)
        assert str(caught.value).startswith(f"{address}: {name} ({needs})")
    assert not os.path.exists("s3:")
