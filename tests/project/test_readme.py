"""What the README shows runs."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[2] / "README.md"


def test_example_of_the_losses_runs():
    text = README.read_text(encoding="utf-8")
    section = text.split("## Use the losses in your own code")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    names: dict = {}
    exec(code, names)
    assert names["gradient"].shape == (64, 64, 3)
    assert float(names["loss"]) > 0
    assert np.isfinite(np.asarray(names["gradient"])).all()


def test_files_that_the_readme_names_are_there():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    paths = [link for link in links if "://" not in link]
    assert paths
    assert [path for path in paths if not (README.parent / path).exists()] == []
