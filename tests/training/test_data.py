"""Photos for training: what a folder gives, to how many hosts, and again after a stop."""

import contextlib
import dataclasses

import numpy as np
import pytest
from bucket_files import Store, leads_to
from PIL import Image
from stylize_files import picture
from training_files import photos

from jaxnst.errors import JaxnstError
from jaxnst.training.data import DataOptions, batches, held_out_batches, open_data


@pytest.fixture
def options(tmp_path) -> DataOptions:
    return DataOptions(source=f"folder:{photos(tmp_path / 'photos', 12)}", crop=64, batch=4)


def take(stream, count: int) -> list[dict[str, np.ndarray]]:
    return [next(stream) for _ in range(count)]


def same(one: list, other: list) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in a
    )


def test_folders_in_the_folder_count_hidden_and_broken_files_do_not(tmp_path):
    folder = photos(tmp_path / "photos", 3)
    photos(folder / "deeper", 2)
    photos(folder / ".hidden", 2)
    (folder / "text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("no picture, and none by its name")
    data = open_data(DataOptions(source=f"folder:{folder}", held_out=0), seed=0)
    assert (len(data.train), data.skipped) == (5, 1)


def test_photos_of_a_bucket_are_those_of_the_disk(tmp_path, monkeypatch):
    folder, store = photos(tmp_path / "photos", 3), leads_to(Store(), monkeypatch)
    photos(folder / "deeper", 2)
    for path in folder.rglob("*.*"):
        store.pipe_file(f"photos/{path.relative_to(folder).as_posix()}", path.read_bytes())
    on_disk, data = (
        open_data(DataOptions(source=f"folder:{source}", held_out=0), seed=0).train
        for source in (folder, "s3://photos")
    )
    assert len(data) == 5
    assert all(np.array_equal(on_disk[number], data[number]) for number in range(5))


def test_a_photo_that_cannot_be_decoded_is_replaced(tmp_path):
    folder = photos(tmp_path / "photos", 3)
    cut = picture(folder / "photo01.png", 1, 200, 200)
    cut.write_bytes(cut.read_bytes()[:-5000])
    data = open_data(DataOptions(source=f"folder:{folder}", held_out=0), seed=0)
    assert np.array_equal(data.train[1], data.train[2])
    assert data.train.broken == {"photo01.png"}


def test_batches(options):
    data = open_data(options, seed=0)
    batch = next(batches(data.train, options, seed=0))
    assert (batch["image"].shape, batch["image"].dtype) == ((4, 64, 64, 3), np.uint8)
    assert (batch["seed"].shape, batch["seed"].dtype) == ((4,), np.uint32)
    assert len(set(batch["seed"].tolist())) == 4


def test_another_seed_gives_other_batches(options):
    data = open_data(options, seed=0)
    one, other = (take(batches(data.train, options, seed=seed), 2) for seed in (1, 2))
    assert not same(one, other)


def test_two_hosts_share_what_one_gets(options):
    data = open_data(options, seed=0)
    alone = take(batches(data.train, options, seed=5), 8)
    hosts = [take(batches(data.train, options, seed=5, host=i, hosts=2), 8) for i in (0, 1)]
    for whole, even, odd in zip(alone, *hosts, strict=True):
        assert np.array_equal(whole["seed"], np.stack([even["seed"], odd["seed"]], 1).ravel())
        assert np.array_equal(whole["image"][0::2], even["image"])
        assert np.array_equal(whole["image"][1::2], odd["image"])


def test_a_restored_stream_goes_on_exactly(options):
    data = open_data(options, seed=0)
    stream = batches(data.train, options, seed=5)
    take(stream, 5)  # into the second epoch
    state = stream.get_state()
    wanted = take(stream, 4)
    again = batches(data.train, options, seed=5)
    again.set_state(state)
    assert same(take(again, 4), wanted)


def test_a_process_prepares_the_same_batches(options):
    data = open_data(options, seed=0)
    wanted = take(batches(data.train, options, seed=5), 3)
    apart = dataclasses.replace(options, workers=1)
    with contextlib.closing(batches(data.train, apart, seed=5)) as stream:
        assert same(take(stream, 3), wanted)


def test_held_out_photos_are_not_trained_on(options):
    data = open_data(options, seed=0)
    assert (len(data.train), len(data.held_out)) == (11, 1)
    trained = {data.train[i].tobytes() for i in range(11)}
    assert data.held_out[0].tobytes() not in trained
    (batch,) = held_out_batches(data.held_out, options)
    assert batch["image"].shape == (1, 64, 64, 3)


def test_held_out_by_a_list(tmp_path):
    listed = tmp_path / "held_out.txt"
    listed.write_text("# by name\nphoto03.png\nphoto05.png\n")
    source = f"folder:{photos(tmp_path / 'photos', 8)}"
    data = open_data(DataOptions(source=source, held_out_list=str(listed)), seed=0)
    assert (len(data.train), len(data.held_out)) == (6, 2)
    listed.write_text("photo99.png\n")
    with pytest.raises(JaxnstError, match=r"held_out.txt: 'photo99.png' is not among the photos"):
        open_data(DataOptions(source=source, held_out_list=str(listed)), seed=0)


@pytest.mark.parametrize("source", ["", "photos", "folder:", "zip:photos", "tfds:"])
def test_unknown_source(source):
    missing = f"{source!r} is no folder" if source else "there are no photos"
    with pytest.raises(JaxnstError, match=f"{missing} to train on: give --data a folder of photos"):
        open_data(DataOptions(source=source), seed=0)


def test_folder_without_photos(tmp_path):
    with pytest.raises(JaxnstError, match="no pictures in this folder"):
        open_data(DataOptions(source=f"folder:{tmp_path}"), seed=0)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(JaxnstError, match="none of its pictures can be read"):
        open_data(DataOptions(source=f"folder:{tmp_path}"), seed=0)


def test_photos_that_are_too_small_are_called_so(tmp_path):
    Image.new("RGB", (31, 64)).save(tmp_path / "small.png")
    with pytest.raises(JaxnstError, match="size that can be used: 32x32 pixels to 200 megapixels"):
        open_data(DataOptions(source=f"folder:{tmp_path}"), seed=0)
