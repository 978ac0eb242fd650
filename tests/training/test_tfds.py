"""A real TensorFlow dataset, prepared here from picture files, without TensorFlow."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from s3_server import s3_server
from stylize_files import picture

from jaxnst.errors import JaxnstError
from jaxnst.training.data import DataOptions, batches, open_data

# What TFDS, its dependencies and this way of defining a dataset in a test warn of.
pytestmark = pytest.mark.filterwarnings("ignore")

COUNT = 12


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset `blots`, version 1.0.0: twelve pictures, the last one gray."""
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    files = [picture(folder / f"{i:02d}.png", i, 80 + i, 70) for i in range(COUNT)]

    class Blots(tfds.core.GeneratorBasedBuilder):
        """Soft noise."""

        VERSION = tfds.core.Version("1.0.0")
        MODULE_PATH = folder / "blots.py"

        def _info(self) -> tfds.core.DatasetInfo:
            features = tfds.features.FeaturesDict(
                {"image": tfds.features.Image(shape=(None, None, 3))}
            )
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager: object) -> dict:
            return {"train": self._generate_examples(files)}

        def _generate_examples(self, paths: list[Path]) -> Iterator[tuple[str, dict]]:
            for path in paths:
                yield path.name, {"image": path}

    Blots(data_dir=folder / "data", file_format="array_record").download_and_prepare()
    return folder / "data"


def options(datasets: Path, **rest: object) -> DataOptions:
    return DataOptions(source="tfds:blots:1.0.0", tfds_dir=str(datasets), crop=64, batch=3, **rest)


def test_a_dataset_is_read(datasets: Path) -> None:
    data = open_data(options(datasets), seed=0)
    assert len(data.train) + len(data.held_out) == COUNT
    assert len(data.held_out) == 1
    widths = {data.train[i].shape[1] for i in range(len(data.train))}
    assert len(widths) == COUNT - 1
    batch = next(batches(data.train, options(datasets), seed=0))
    assert batch["image"].shape == (3, 64, 64, 3)
    assert batch["image"].dtype == np.uint8
    assert batch["image"].std() > 5


def test_what_is_prepared_is_read_without_the_dataset_s_code(datasets: Path, tmp_path) -> None:
    """That of coco needs TensorFlow."""
    source, target = datasets / "blots" / "1.0.0", tmp_path / "coco" / "2017" / "1.1.0"
    target.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copy(path, target / path.name.replace("blots", "coco"))
    told = json.loads((target / "dataset_info.json").read_text())
    told |= {"name": "coco", "configName": "2017", "version": "1.1.0"}
    (target / "dataset_info.json").write_text(json.dumps(told))
    coco = DataOptions(source="tfds:coco/2017", tfds_dir=str(tmp_path), held_out=0)
    assert len(open_data(coco, seed=0).train) == COUNT


def test_a_dataset_in_another_format_is_told(datasets: Path, tmp_path: Path) -> None:
    shutil.copytree(datasets / "blots", tmp_path / "blots")
    info = tmp_path / "blots" / "1.0.0" / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    with pytest.raises(JaxnstError, match=r"^tfds:blots: cannot be opened \(File format array_rec"):
        open_data(DataOptions(source="tfds:blots", tfds_dir=str(tmp_path)), seed=0)


def test_an_unknown_dataset_is_named(datasets: Path) -> None:
    wrong = DataOptions(source="tfds:blot/9.9.9", tfds_dir=str(datasets), batch=1)
    with pytest.raises(JaxnstError, match=r"tfds:blot/9\.9\.9: cannot be opened"):
        open_data(wrong, seed=0)


SCRIPT = """
import sys
from jaxnst.training.data import DataOptions, open_data
for source in sys.argv[2:]:
    try:
        options = DataOptions(source=source, tfds_dir=sys.argv[1], held_out=0)
        data = open_data(options, seed=0, say=print).train
        print(*(int(data[number].sum()) for number in range(len(data))))
    except ValueError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_folder_of_datasets_may_be_in_a_bucket(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = open_data(options(datasets, held_out=0), seed=0).train
    with s3_server(monkeypatch) as s3:
        s3.files.put(str(datasets / "blots"), "photos/tfds/blots", recursive=True)

        def lines(folder: str, *sources: str) -> list[str]:
            # A process of its own: TensorFlow Datasets keeps its first way to a bucket.
            command = [sys.executable, "-c", SCRIPT, folder, *sources]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            return done.stdout.splitlines()

        downloading, sums, again, unknown = lines(
            "s3://photos/tfds/", "tfds:blots", "tfds:blots:1.0.0", "tfds:blot"
        )
        assert downloading.startswith("downloading 1 of 1 files")
        assert sums == again == " ".join(str(data[i].sum()) for i in range(COUNT))
        assert unknown.startswith("tfds:blot: cannot be opened (")
        (gone,) = lines("s3://photos/gone", "tfds:blots")
        assert "(there is no folder s3://photos/gone that can be read)" in gone
