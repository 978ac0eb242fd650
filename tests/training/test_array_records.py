"""Training from ArrayRecord files: the same photos, samples and shares as from a folder."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from array_record_files import array_record, example
from bucket_files import Store, leads_to
from stylize_files import picture
from training_files import photos

from jaxnst.cli import main
from jaxnst.cli.train import parse_train
from jaxnst.errors import JaxnstError
from jaxnst.training.data import DataOptions, batches, open_data

# What TensorFlow Datasets warns of when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore")

COUNT = 12


def shards(folder: Path, count: int = COUNT) -> Path:
    """A folder with photos in two files, every other one in an example."""
    contents = [path.read_bytes() for path in sorted(photos(folder / "photos", count).iterdir())]
    records = [example(image=c) if i % 2 else c for i, c in enumerate(contents)]
    (folder / "train").mkdir()
    half = count // 2
    array_record(folder / "train" / "a-train.array_record-00000-of-00002", records[:half])
    array_record(folder / "train" / "a-train.array_record-00001-of-00002", records[half:])
    return folder / "train"


def source_of(data: str | Path) -> str:
    """What the command line takes its --data for."""
    return parse_train(["--work", "run", "--data", str(data)]).settings.data.source


def test_the_photos_are_those_of_the_folder(tmp_path: Path) -> None:
    folder = shards(tmp_path)
    on_disk = open_data(DataOptions(source=source_of(tmp_path / "photos"), held_out=0), seed=0)
    pattern = folder / "*-train.array_record*"
    for given, kind in {folder: "folder", pattern: "records"}.items():
        assert source_of(given) == f"{kind}:{given}"
        data = open_data(DataOptions(source=source_of(given), held_out=0), seed=0)
        assert (len(data.train), data.skipped) == (COUNT, 0)
        assert all(np.array_equal(data.train[i], on_disk.train[i]) for i in range(COUNT))
    one = next(folder.iterdir())
    assert source_of(one) == f"records:{one}"
    assert source_of(f"records:{one}") == f"records:{one}"
    assert source_of("tfds:a.array_record") == "tfds:a.array_record"


def test_hosts_and_processes_prepare_what_one_thread_does(tmp_path: Path) -> None:
    options = DataOptions(source=f"folder:{shards(tmp_path)}", crop=64, batch=4, held_out=0)
    on_disk = dataclasses.replace(options, source=f"folder:{tmp_path / 'photos'}")
    wanted = batches(open_data(on_disk, seed=0).train, on_disk, seed=5)
    data = open_data(options, seed=0).train
    hosts = [batches(data, options, seed=5, host=i, hosts=2) for i in (0, 1)]
    apart = dataclasses.replace(options, workers=1)
    with contextlib.closing(batches(data, apart, seed=5)) as worker:
        for _ in range(4):
            whole, even, odd = next(wanted), next(hosts[0]), next(hosts[1])
            assert np.array_equal(whole["image"], next(worker)["image"])
            assert np.array_equal(whole["image"][0::2], even["image"])
            assert np.array_equal(whole["image"][1::2], odd["image"])


def test_a_record_that_is_no_picture_is_replaced_and_named(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png").read_bytes()
    path = array_record(tmp_path / "a.array_record", [b"no", good, example(text=b"no"), b"", good])
    data = open_data(DataOptions(source=f"records:{path}", held_out=0), seed=0).train
    assert all(np.array_equal(data[number], data[1]) for number in range(5))
    assert data.broken == {f"a.array_record[{number}]" for number in (0, 2, 3)}


def test_held_out_records_are_named_in_a_list(tmp_path: Path) -> None:
    folder, listed = shards(tmp_path), tmp_path / "held_out.txt"
    listed.write_text("a-train.array_record-00001-of-00002[3]\n")
    options = DataOptions(source=f"folder:{folder}", held_out_list=str(listed))
    data = open_data(options, seed=0)
    on_disk = open_data(DataOptions(source=f"folder:{tmp_path / 'photos'}", held_out=0), seed=0)
    assert (len(data.train), len(data.held_out)) == (COUNT - 1, 1)
    assert np.array_equal(data.held_out[0], on_disk.train[9])


def test_photos_and_records_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    folder = shards(tmp_path)
    picture(folder / "photo.png")
    with pytest.raises(JaxnstError) as caught:
        open_data(DataOptions(source=f"folder:{folder}"), seed=0)
    assert str(caught.value) == (
        f"{folder}: has pictures and ArrayRecord files: move one kind elsewhere, or name the "
        f"files, as in --data '{folder}/*.array_record*'"
    )
    by_pattern = DataOptions(source=f"records:{folder}/*.array_record*", held_out=0)
    assert len(open_data(by_pattern, seed=0).train) == COUNT


@pytest.mark.parametrize(
    ("records", "cause"),
    [
        ([], "there are no records in it; give one with pictures"),
        ([b"no"] * 20, "none of the first 16 of 20 records is a picture: a.array_record[0]: not"),
        ([example(text=b"no")], "none of the first 1 of 1 records is a picture: a.array_record[0]"),
    ],
)
def test_a_file_without_pictures_is_one_line_before_the_run(
    tmp_path: Path, capsys, records, cause
) -> None:
    path, work = array_record(tmp_path / "a.array_record", records), tmp_path / "run"
    words = ["train", "--config", "smoke", "--batch", "8", "--data", path, "--work", work]
    assert main([*map(str, words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"jaxnst: error: {path}: {cause}")
    assert not work.exists()


def test_a_file_in_a_bucket_is_downloaded_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder, store, lines = shards(tmp_path), leads_to(Store(), monkeypatch), list[str]()
    for path in folder.iterdir():
        store.pipe_file(f"photos/train/{path.name}", path.read_bytes())
    on_disk = open_data(DataOptions(source=f"folder:{folder}", held_out=0), seed=0).train
    for given in ("s3://photos/train/", "s3://photos/train/*-train.array_record*"):
        options = DataOptions(source=source_of(given), held_out=0)
        data = open_data(options, seed=0, say=lines.append).train
        assert data.broken == set()
        assert all(np.array_equal(data[number], on_disk[number]) for number in range(COUNT))
    assert len(lines) == 1
    assert lines[0].startswith("downloading 2 of 2 files")
