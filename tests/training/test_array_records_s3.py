"""Training from ArrayRecord files in the buckets of a real server of S3."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from array_record_files import array_record
from s3_server import S3, s3_server
from training_files import photos, write_upscale_run

from jaxnst.cli import main
from jaxnst.training.data import DataOptions, open_data

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("optax_promotion"),
]

FILES = "s3://photos/train/*.array_record"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3]:
    """A server with 12 photos in two files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    contents = [path.read_bytes() for path in sorted(photos(tmp_path / "photos").iterdir())]
    with s3_server(monkeypatch) as s3:
        for name, records in {"a": contents[:5], "b": contents[5:]}.items():
            path = array_record(tmp_path / f"{name}.array_record", records)
            s3.files.put_file(str(path), f"photos/train/{path.name}")
        yield s3


def run(tmp_path: Path, work: str, data: str) -> int:
    words = [
        *write_upscale_run(tmp_path, steps=4),
        "--batch",
        "8",
        "--warmup",
        "0",
        "--report-every",
        "1",
    ]
    return main(["train", *words, "--work", str(tmp_path / work), "--data", data])


def losses(tmp_path: Path, work: str) -> list[list[str]]:
    """The table of losses, without what depends on the clock."""
    with (tmp_path / work / "metrics.csv").open() as file:
        return [[row["step"], row["loss"]] for row in csv.DictReader(file)]


def test_a_run_is_the_one_from_the_folder(s3: S3, tmp_path: Path, capsys) -> None:
    assert run(tmp_path, "disk", str(tmp_path / "photos")) == 0
    assert run(tmp_path, "bucket", FILES) == 0
    assert "downloading 2 of 2 files" in capsys.readouterr().err
    assert len(losses(tmp_path, "disk")) == 4
    assert losses(tmp_path, "disk") == losses(tmp_path, "bucket")


def test_who_may_not_list_is_told_and_can_name_a_file(s3: S3, tmp_path: Path, capsys) -> None:
    with s3.as_user_who_may("s3:GetObject"):
        assert run(tmp_path, "run", FILES) == 2
        one = DataOptions(source=f"records:{FILES.replace('*', 'a')}", held_out=0)
        assert len(open_data(one, seed=0).train) == 5
    error = f"{FILES}: cannot be listed (no rights to it: Access Denied)"
    assert capsys.readouterr().err == f"jaxnst: error: {error}\n"


def test_who_may_not_read_is_told_before_the_run(s3: S3, tmp_path: Path, capsys) -> None:
    with s3.as_user_who_may("s3:ListBucket"):
        assert run(tmp_path, "run", FILES.replace("*", "a")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("jaxnst: error: s3://photos/train/a.array_record: cannot be read (no ")
    assert not (tmp_path / "run").exists()


def test_a_file_cut_short_or_a_bucket_that_is_not_there_is_one_line(
    s3: S3, tmp_path: Path, capsys
) -> None:
    cut = (tmp_path / "a.array_record").read_bytes()[:-100]
    s3.files.pipe_file("photos/train/c.array_record", cut)
    s3.files.pipe_file("photos/train/d.array_record", b"")
    for data, cause in {
        FILES: "s3://photos/train/c.array_record: not a whole ArrayRecord file (",
        FILES.replace("*", "d"): "s3://photos/train/d.array_record: not a whole ArrayRecord file (",
        FILES.replace("photos", "gone"): "s3://gone/train/*.array_record: ",
        "s3://photos/gone.array_record": "s3://photos/gone.array_record: cannot be read (there is ",
    }.items():
        capsys.readouterr()
        assert run(tmp_path, "run", data) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"jaxnst: error: {cause}")
