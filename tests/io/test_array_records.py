"""ArrayRecord files: which there are, what is in them, and what is said of those that are none."""

import io
import sys
from pathlib import Path

import pytest
from array_record_files import array_record, example
from bucket_files import Store, leads_to
from PIL import Image

from jaxnst.errors import JaxnstError
from jaxnst.io.array_records import ArrayRecordFiles, is_array_record, list_matching

# What TensorFlow Datasets warns of when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    "name",
    [
        *("a.array_record", "b/a.arrayrecord", "s3://photos/a.array_record"),
        *(
            "coco-train.array_record-00003-of-00016",
            "*.array_record",
            "train/*-train.array_record*",
        ),
        "a.array_record-?????-of-00016",
    ],
)
def test_array_record_files_are_known_by_their_names(name: str) -> None:
    assert is_array_record(name)


@pytest.mark.parametrize(
    "name", ["a.jpg", "array_record", "a.array_record.jpg", "a.array_record-1.jpg", "a.tfrecord"]
)
def test_other_files_are_not(name: str) -> None:
    assert not is_array_record(name)


def test_records_come_file_after_file_with_their_names(tmp_path: Path) -> None:
    for name, records in {"b": [b"1", b"2"], "a": [b"3"], "none": [], ".hidden": [b"4"]}.items():
        array_record(tmp_path / f"{name}.array_record", records)
    files = ArrayRecordFiles(list_matching(str(tmp_path / "*.array_record")))
    assert files.names == ["a.array_record[0]", "b.array_record[0]", "b.array_record[1]"]
    assert [files[number] for number in range(len(files))] == [b"3", b"1", b"2"]


def test_a_file_may_have_a_name_like_a_pattern(tmp_path: Path) -> None:
    path = array_record(tmp_path / "a[0:9].array_record", [b"1"])
    (path,) = list_matching(str(path))
    assert ArrayRecordFiles([path])[0] == b"1"


def test_the_image_of_an_example_is_found(tmp_path: Path) -> None:
    records = [example(image=b"1", label=b"2"), example(image__encoded=b"3"), b"4"]
    files = ArrayRecordFiles([array_record(tmp_path / "a.array_record", records)])
    assert [files[number] for number in range(3)] == [b"1", b"3", b"4"]


def test_an_example_without_an_image_is_told_with_what_it_has(tmp_path: Path) -> None:
    records = [example(text=b"1", label=b"2"), b"\n\xff"]
    files = ArrayRecordFiles([array_record(tmp_path / "a.array_record", records)])
    for number, cause in enumerate(["label, text, but no image", "Error parsing"]):
        with pytest.raises(JaxnstError, match=cause) as caught:
            files[number]
        assert str(caught.value).startswith(f"a.array_record[{number}]: no record with a picture (")


def test_a_damaged_record_leaves_the_others(tmp_path: Path) -> None:
    pictures = [io.BytesIO() for _ in range(3)]
    for number, picture in enumerate(pictures):
        Image.effect_noise((64, 64), 50 + number).save(picture, "PNG")
    contents = [picture.getvalue() for picture in pictures]
    path = array_record(tmp_path / "a.array_record", contents)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(contents[1]) + 1000] ^= 255
    path.write_bytes(damaged)
    files = ArrayRecordFiles([path])
    assert (files[0], files[2]) == (contents[0], contents[2])
    with pytest.raises(JaxnstError, match=r"^a\.array_record\[1\]: no .* \(Corrupted"):
        files[1]


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "missing", "folder"])
def test_what_is_no_whole_file_is_one_line(tmp_path: Path, kind: str) -> None:
    path = array_record(tmp_path / "a.array_record", [bytes([i]) * 50_000 for i in range(9)])
    cause = "not a whole ArrayRecord file"
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-30_000])
    elif kind == "text":
        path.write_text("no records")
    elif kind == "empty":
        path.write_bytes(b"")
        cause = "is empty; give a file with something in it"
    else:
        path.unlink()
        cause = "there is no such file"
        if kind == "folder":
            path.mkdir()
            cause = "is a folder; give a file"
    with pytest.raises(JaxnstError, match=cause) as caught:
        ArrayRecordFiles([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_data_source", None)
    with pytest.raises(JaxnstError, match=r"need array_record, .*: pip install array_record"):
        ArrayRecordFiles([tmp_path / "a.array_record"])


def test_a_pattern_that_matches_nothing_is_told(tmp_path: Path, monkeypatch) -> None:
    leads_to(Store(), monkeypatch)
    for pattern in (str(tmp_path / "*.array_record"), "s3://photos/*.array_record"):
        with pytest.raises(JaxnstError) as caught:
            list_matching(pattern)
        assert str(caught.value) == f"{pattern}: there are no such files; check the pattern"
