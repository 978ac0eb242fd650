"""Buckets of a real server of S3: what the stand-in of test_buckets.py cannot show."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import (
    PATIENCE,
    ended,
    environment_of,
    halted,
    kill_worker,
    start,
    two_machines,
)
from model_files import gallery_folder
from s3_server import S3, s3_server
from stylize_files import picture, tree

from jaxnst.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

COUNT = 6
PAINT = ("stylize", "s3://photos/in", "--model", "small", "--style", "wave")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with s3_server(monkeypatch) as s3:
        yield s3


@pytest.fixture
def place(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos on disk and in a bucket, and networks; the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxnst.cli.one_pass.use_compilation_cache", lambda: None)
    Path("in").mkdir()
    for seed in range(COUNT):
        picture(Path(f"in/{seed}.png"), seed)
        s3.files.put_file(f"in/{seed}.png", f"photos/in/{seed}.png")
    gallery_folder(tmp_path)
    assert main(["stylize", "in", *PAINT[2:], "-o", "out/", "--quiet"]) == 0
    return tmp_path


def made(s3: S3) -> dict[str, bytes]:
    """The paintings in the bucket."""
    return {
        name.rpartition("/")[-1]: s3.files.cat_file(name) for name in s3.files.find("photos/out")
    }


def wait_for(count: int, s3: S3, process: subprocess.Popen) -> None:
    """Waits until some paintings are there."""
    until = time.monotonic() + PATIENCE
    while len(s3.files.find("photos/out")) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "no progress"


def test_a_folder_is_painted_as_on_disk_and_not_twice(place, s3, capsys) -> None:
    words = [*PAINT, "-o", "s3://photos/out/"]
    capsys.readouterr()
    assert main(words) == 0
    lines = capsys.readouterr().out
    assert lines.splitlines() == [f"s3://photos/out/{seed}_wave.png" for seed in range(COUNT)]
    assert made(s3) == tree(Path("out"))
    assert s3.files.info("photos/out/0_wave.png")["ContentType"] == "image/png"
    assert s3.unfinished("photos") == []
    assert main(words) == 0
    told = capsys.readouterr()
    assert told.out == lines
    assert told.err.count("already there with these settings") == COUNT
    s3.files.put_file("in/0.png", "photos/in/new.png")  # by somebody else, meanwhile
    assert main(words) == 0
    assert made(s3)["new_wave.png"]


def test_who_may_not_write_is_told_before_any_work(place, s3, capsys) -> None:
    capsys.readouterr()
    with s3.as_user_who_may("s3:GetObject", "s3:ListBucket"):
        assert main([*PAINT, "-o", "s3://photos/out/"]) == 2
    assert capsys.readouterr().err == (
        "jaxnst: error: s3://photos/out/0_wave.png: cannot be written (no rights to it: Access "
        "Denied); give another path\n"
    )
    assert made(s3) == {}


def test_who_may_not_read_is_told(place, s3, capsys) -> None:
    capsys.readouterr()
    with s3.as_user_who_may("s3:PutObject"):
        assert main(["stylize", "s3://photos/in/0.png", *PAINT[2:], "-o", "one.png"]) == 2
        assert main([*PAINT[:1], "in", *PAINT[2:], "-o", "s3://photos/out/", "--quiet"]) == 0
    assert capsys.readouterr().err == (
        "jaxnst: error: s3://photos/in/0.png: cannot be opened (no rights to it: Forbidden); give "
        "a file you may read\n"
    )
    assert made(s3) == tree(Path("out"))


def test_the_rights_to_read_and_write_files_are_enough(place, s3, capsys) -> None:
    words = ["stylize", "s3://photos/in/0.png", *PAINT[2:], "-o", "s3://photos/out/0_wave.png"]
    with s3.as_user_who_may("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"):
        assert main(words) == 0
        assert main(words) == 0
    assert "s3://photos/out/0_wave.png: already there" in capsys.readouterr().err
    assert made(s3)["0_wave.png"] == Path("out/0_wave.png").read_bytes()
    assert s3.unfinished("photos") == []


def test_a_bucket_that_is_not_there_and_a_key_that_nobody_has(place, s3, capsys) -> None:
    capsys.readouterr()
    assert main([*PAINT, "-o", "s3://elsewhere/out/"]) == 2
    assert "s3://elsewhere/out/0_wave.png: cannot be written (there is no such file or bucket)" in (
        capsys.readouterr().err
    )
    with s3.as_user_who_may("s3:*"):
        s3.enter("nobody", "nothing")
        assert main([*PAINT[:1], "in", *PAINT[2:], "-o", "s3://photos/out/"]) == 2
    assert "The AWS Access Key Id you provided does not exist" in capsys.readouterr().err
    assert made(s3) == {}


def test_a_killed_command_leaves_whole_pictures_and_the_same_one_goes_on(
    place, s3, tmp_path_factory
) -> None:
    environment = environment_of(tmp_path_factory.mktemp("cache")) | s3.environment
    environment["TMPDIR"] = str(tmp_path_factory.mktemp("temporary"))
    words = (*PAINT, "-o", "s3://photos/out/")
    process = start(environment, *words)
    wait_for(2, s3, process)
    process.kill()
    ended(process)
    whole = tree(Path("out"))
    before = made(s3)
    assert before.items() <= whole.items()
    status, _, told = ended(start(environment, *words))
    assert status == 0, told
    assert told.count("already there with these settings") == len(before)
    assert made(s3) == whole
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def test_on_a_cluster_all_is_there_once_even_if_a_worker_is_killed(
    place, s3, tmp_path_factory, monkeypatch
) -> None:
    for number in range(30):
        picture(Path(f"in/more{number:02}.png"), number)
        s3.files.put_file(f"in/more{number:02}.png", f"photos/in/more{number:02}.png")
    assert main(["stylize", "in", *PAINT[2:], "-o", "out/", "--quiet"]) == 0
    s3.files.put_file("out/3_wave.png", "photos/out/3_wave.png")
    s3.files.pipe_file("photos/in/bad.png", b"no picture")
    environment = environment_of(tmp_path_factory.mktemp("cache")) | s3.environment
    with two_machines(environment, monkeypatch) as cluster:
        words = (*PAINT, "-o", "s3://photos/out/", "--cluster", cluster.address)
        process = start(environment, *words)
        wait_for(5, s3, process)
        with halted(process):
            kill_worker(cluster.head_node, cluster.second)
        status, out, told = ended(process)
    assert status == 2, told
    assert "s3://photos/in/bad.png: not a picture that can be read" in told
    assert "s3://photos/out/3_wave.png: already there with these settings" in told
    assert told.count("a worker was lost: others do its work") == 1
    paintings = tree(Path("out"))
    assert out.splitlines() == [f"s3://photos/out/{name}" for name in sorted(paintings)]
    assert made(s3) == paintings
    assert not Path("s3:").exists()
