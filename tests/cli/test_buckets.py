"""`jaxnst stylize` and `jaxnst upscale` from buckets and into them, as from disk to disk."""

import json
import logging
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from bucket_files import Store, leads_to
from model_files import decoder_file, gallery_folder, upscaling_model
from PIL import Image
from stylize_files import picture, stylize, tree

from jaxnst import __version__
from jaxnst.cli import main
from jaxnst.cli.cluster import _actor_class
from jaxnst.errors import JaxnstError
from jaxnst.networks.kinds import Compact
from jaxnst.networks.model_file import save_model

PAINT = ("stylize", "s3://photos/in", "--model", "small", "--style", "wave")
ENLARGE = ("upscale", "s3://photos/in", "--model", "enlarge.safetensors")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    return leads_to(Store(), monkeypatch)


@pytest.fixture
def place(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photos on disk and in a bucket, a style picture and networks; the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for seed in (1, 2):
        picture(Path(f"in/{seed}.png"), seed)
    picture(Path("style.png"), 3, 44, 44)
    for file in [*Path("in").iterdir(), Path("style.png")]:
        store.pipe_file(f"photos/{file}", file.read_bytes())
    gallery_folder(tmp_path)
    save_model(tmp_path / "enlarge.safetensors", upscaling_model(Compact(2, 4, 1)))
    for module in ("one_pass", "upscale", "run_optimize"):
        monkeypatch.setattr(f"jaxnst.cli.{module}.use_compilation_cache", lambda: None)
    return tmp_path


def made(store: Store, folder: str) -> dict[str, bytes]:
    """The files of a folder in the bucket of photos."""
    start = f"photos/{folder}/"
    return {n.removeprefix(start): f for n, f in store.files.items() if n.startswith(start)}


@pytest.mark.parametrize(
    "words",
    [(*PAINT, "--compare", "--sidecar", "--quality", "90"), ENLARGE],
    ids=["paint", "enlarge"],
)
def test_what_is_made_of_a_folder_is_what_a_disk_has(place, store, capsys, words) -> None:
    assert main([words[0], "in", *words[2:], "-o", "out/", "--quiet"]) == 0
    on_disk = capsys.readouterr().out.splitlines()
    assert main([*words, "-o", "s3://photos/out/", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"s3://photos/{line}" for line in on_disk]
    assert made(store, "out") == tree(Path("out"))
    assert not Path("s3:").exists()


def test_what_is_finished_is_skipped_and_what_has_changed_is_not(place, store, capsys) -> None:
    words = [*PAINT, "-o", "s3://photos/out/", "--json"]
    assert main(words) == 0
    records = capsys.readouterr().out
    before = made(store, "out")
    store.pipe_file("photos/in/2.png", Path("in/1.png").read_bytes())
    assert main(words) == 0
    told = capsys.readouterr()
    assert "s3://photos/out/1_wave.png: already there with these settings" in told.err
    assert "2_wave.png: already there" not in told.err
    assert told.out.splitlines()[0] == records.splitlines()[0]
    assert [json.loads(line)["output"] for line in told.out.splitlines()] == [
        "s3://photos/out/1_wave.png",
        "s3://photos/out/2_wave.png",
    ]
    after = made(store, "out")
    assert after["1_wave.png"] == before["1_wave.png"]
    assert after["2_wave.png"] != before["2_wave.png"]


def test_a_photo_of_a_bucket_is_painted_to_disk_and_the_other_way(place, store) -> None:
    options = (*PAINT[2:], "--quiet")
    assert main(["stylize", "in/1.png", *options, "-o", "disk.png"]) == 0
    assert main(["stylize", "s3://photos/in/1.png", *options, "-o", "down.png"]) == 0
    assert main(["stylize", "in/1.png", *options, "-o", "s3://photos/up.png"]) == 0
    assert Path("down.png").read_bytes() == Path("disk.png").read_bytes()
    assert store.files["photos/up.png"] == Path("disk.png").read_bytes()


def test_one_that_is_no_picture_is_told_and_the_rest_is_made(place, store, capsys) -> None:
    store.pipe_file("photos/in/1b.png", b"no picture")
    store.pipe_file("photos/in/notes.txt", b"no picture")
    assert main([*PAINT, "-o", "s3://photos/out"]) == 2
    err = capsys.readouterr().err
    assert "jaxnst: error: s3://photos/in/1b.png: not a picture that can be read" in err
    assert "1 file is no picture and left out: notes.txt" in err
    assert made(store, "out").keys() == {"1_wave.png", "2_wave.png"}


@pytest.mark.slow
def test_pixels_are_optimized_with_a_style_of_a_bucket(place, store) -> None:
    words = ("--preview-every", "2", "--loss-csv")
    assert stylize("in", "--style", "style.png", "-o", "out/", *words, "loss.csv", "--quiet") == 0
    inputs = ("s3://photos/in", "--style", "s3://photos/style.png")
    assert stylize(*inputs, "-o", "s3://photos/out/", *words, "s3://photos/loss.csv") == 0
    assert made(store, "out") == tree(Path("out"))
    assert store.files["photos/loss.csv"] == Path("loss.csv").read_bytes()


@pytest.mark.slow
def test_styles_and_masks_of_a_bucket_paint_in_one_pass(place, store) -> None:
    decoder = str(decoder_file(Path()))
    picture(Path("left.png"), 4)
    picture(Path("right.png"), 5)
    for name in ("left.png", "right.png"):
        store.pipe_file(f"photos/{name}", Path(name).read_bytes())

    def paint(start: str, out: str) -> None:
        styles = (f"{start}style.png", f"{start}in/2.png")
        masks = ("--mask", f"{start}left.png", f"{start}right.png")
        how = ("--method", "fast", "--model", decoder, "--quiet")
        words = (f"{start}in/1.png", "--style", *styles, *masks, *how, "-o", out)
        assert main(["stylize", *words]) == 0

    paint("", "disk.png")
    paint("s3://photos/", "s3://photos/out.png")
    assert store.files["photos/out.png"] == Path("disk.png").read_bytes()


@pytest.fixture
def on_a_machine_without_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has --cluster be one worker in this process that finds no folder of the command."""

    def made_there(address, maker, tasks, *, quiet, on_disk) -> Iterator:
        worker = _actor_class()(1)
        complaint = worker.prepare(__version__, "/no/such/folder", pickle.dumps(maker), on_disk)
        if complaint:
            raise JaxnstError(complaint)
        yield from (partial(worker.make, task) for task in tasks)

    for name in ("PJRT_NPROC", "NPROC"):
        monkeypatch.setenv(name, "")  # which the worker sets
    monkeypatch.setattr("jaxnst.cli.picture_maker.made_on_cluster", made_there)
    monkeypatch.setattr("jaxnst.cli.one_pass.check_cluster", lambda _: None)
    monkeypatch.setattr("jaxnst.cli.cache.use_compilation_cache", lambda: None)
    monkeypatch.setattr("jaxnst.io.temporary.keep_leftovers", lambda: None)


@pytest.mark.usefixtures("on_a_machine_without_folders")
def test_machines_that_share_a_bucket_need_share_no_folder(place, store, capsys) -> None:
    options = (*PAINT[2:], "--cluster", "local", "--quiet")
    assert main(["stylize", "s3://photos/in", *options, "-o", "s3://photos/out/"]) == 0
    assert made(store, "out").keys() == {"1_wave.png", "2_wave.png"}
    for photos, output in [("in", "s3://photos/more/"), ("s3://photos/in", "out/")]:
        assert main(["stylize", photos, *options, "-o", output]) == 2
        assert (
            "has no folder /no/such/folder: run the command in one that" in capsys.readouterr().err
        )


@pytest.fixture
def refused(place: Path, store: Store, capsys) -> Callable[..., str]:
    """The one line that a command is refused with, which leaves nothing."""

    def refused(*words: str) -> str:
        files, before = store.files, tree(place)
        assert main([*words]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert (store.files, tree(place)) == (files, before)
        return line.removeprefix("jaxnst: error: ")

    return refused


NO_RIGHTS = "cannot be written (no rights to it: Access Denied); give another path"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*PAINT, "-o", "s3://locked/out/"), f"s3://locked/out/1_wave.png: {NO_RIGHTS}"),
        ((*ENLARGE, "-o", "s3://locked/out/"), f"s3://locked/out/1_x2.png: {NO_RIGHTS}"),
        ((*PAINT, "-o", "s3://gone/out/"), "s3://gone/out/1_wave.png: cannot be written (there is"),
        ((*PAINT, "-o", "s3://photos/in"), "s3://photos/in: is a folder of inputs"),
        (
            ("stylize", "s3://photos/in/1.png", *PAINT[2:], "-o", "s3://photos/in/1.png"),
            "s3://photos/in/1.png: is an input and would be overwritten",
        ),
        ((*PAINT, "-o", "s3://photos/one.png"), "s3://photos/one.png: 2 pictures do not go into"),
        (
            ("stylize", "s3://photos/no.png", *PAINT[2:], "-o", "o.png", "--quiet"),
            "s3://photos/no.png: cannot be opened (there is no such file or bucket); give a file",
        ),
        (
            ("stylize", "s3://photos/film.mp4", *PAINT[2:], "-o", "o.mp4"),
            "s3://photos/film.mp4: is in a bucket, and videos are read and written on disks only",
        ),
        (
            ("upscale", "moves.gif", *ENLARGE[2:], "-o", "s3://photos/moves.gif"),
            "s3://photos/moves.gif: is in a bucket, and videos are",
        ),
        (
            ("upscale", "s3://photos/moves.gif", *ENLARGE[2:], "-o", "moves.webp"),
            "s3://photos/moves.gif: is in a bucket, and videos are",
        ),
        (
            ("stylize", "https://photos/1.png", *PAINT[2:], "-o", "o.png"),
            "https://photos/1.png: is an address, and jaxnst downloads pictures from s3:// and gs",
        ),
    ],
)
def test_what_cannot_be_is_one_line_before_any_work(place, store, refused, words, message) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save("moves.gif", save_all=True, append_images=frames[1:])
    store.pipe_file("photos/moves.gif", Path("moves.gif").read_bytes())
    line = refused(*words)
    assert message in line


def test_a_run_that_could_not_go_on_from_its_snapshot_is_refused(place, refused) -> None:
    words = ("stylize", "in/1.png", "--style", "style.png", "--snapshot-every", "2")
    line = refused(*words, "-o", "s3://photos/out.png")
    assert line.startswith("s3://photos/out.png: is in a bucket, and --snapshot-every goes on from")


def test_what_libraries_say_of_buckets_is_left_to_the_one_line(place, refused) -> None:
    refused("stylize", "s3://photos/no.png", *PAINT[2:], "-o", "o.png", "--quiet")
    for library in ("s3fs", "gcsfs", "botocore.hooks", "google.auth"):
        assert not logging.getLogger(library).isEnabledFor(logging.ERROR)


def test_an_upload_that_fails_is_one_line_and_the_same_command_goes_on(
    place, store, capsys, monkeypatch
) -> None:
    words = [*PAINT, "-o", "s3://photos/out/"]
    with monkeypatch.context() as patch:
        patch.setattr("jaxnst.io.buckets.check_rights", lambda _: setattr(store, "fails", True))
        assert main([*words, "--quiet"]) == 2
    one, two, rest = capsys.readouterr().err.splitlines()
    assert "s3://photos/out/1_wave.png: cannot be written (SlowDown: try later)" in one
    assert "s3://photos/out/2_wave.png" in two
    assert rest.startswith("2 of 2 pictures could not be made")
    assert made(store, "out") == {}
    store.fails = False
    assert main(words) == 0
    assert made(store, "out").keys() == {"1_wave.png", "2_wave.png"}
