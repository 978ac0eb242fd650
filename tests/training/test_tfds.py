"""A real TensorFlow dataset, prepared here from picture files, without TensorFlow."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
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


def test_an_unknown_dataset_is_named(datasets: Path) -> None:
    wrong = DataOptions(source="tfds:blot/9.9.9", tfds_dir=str(datasets), batch=1)
    with pytest.raises(JaxnstError, match=r"tfds:blot/9\.9\.9: cannot be opened"):
        open_data(wrong, seed=0)
