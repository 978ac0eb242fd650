"""Copies of files in buckets: made once, whole or not at all, and anew when the file changes."""

from pathlib import Path

import pytest
from bucket_files import Store, leads_to

from jaxnst.errors import JaxnstError
from jaxnst.io.copies import local_copies

ADDRESSES = [Path(f"s3://photos/{name}") for name in "ab"]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """A bucket with two files, and a cache folder in tmp_path."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = leads_to(Store(), monkeypatch)
    for address in ADDRESSES:
        store.pipe_file(f"photos/{address.name}", address.name.encode())
    return store


def test_what_was_copied_is_not_copied_again(store: Store, tmp_path: Path) -> None:
    lines = list[str]()
    copies = local_copies(ADDRESSES, say=lines.append)
    assert [copy.read_text() for copy in copies] == ["a", "b"]
    assert lines == [f"downloading 2 of 2 files, 0.0 MB, to {tmp_path / 'jaxnst' / 'data'}"]
    assert local_copies(ADDRESSES, say=lines.append) == copies
    store.pipe_file("photos/b", b"new")
    assert [copy.read_text() for copy in local_copies(ADDRESSES, say=lines.append)] == ["a", "new"]
    assert len(lines) == 2
    assert lines[1].startswith("downloading 1 of 2 files")


def test_a_copy_that_fails_leaves_nothing(store: Store, tmp_path: Path, monkeypatch) -> None:
    def fail(key: str, target: str) -> None:
        Path(target).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "get_file", fail)
    folder = tmp_path / "jaxnst" / "data"
    with pytest.raises(JaxnstError) as caught:
        local_copies(ADDRESSES[:1])
    assert str(caught.value) == (
        f"s3://photos/a: cannot be copied to {folder} (No space left on device); it needs rights "
        f"to the one and room in the other"
    )
    assert list(folder.iterdir()) == []


def test_a_file_that_is_not_there_is_one_line(store: Store) -> None:
    with pytest.raises(JaxnstError, match=r"^s3://photos/c: cannot be read \(there is no such"):
        local_copies([*ADDRESSES, Path("s3://photos/c")])


def test_a_folder_that_cannot_be_made_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "jaxnst").write_text("a file")
    with pytest.raises(JaxnstError, match=r"^s3://photos/a: cannot be copied to .*jaxnst/data \("):
        local_copies(ADDRESSES[:1])
