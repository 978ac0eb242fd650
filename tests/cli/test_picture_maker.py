"""The loop over pictures: several at a time, announced in order, none lost."""

import threading
from pathlib import Path
from typing import Any

import pytest

from jaxnst.cli.options import Stylize
from jaxnst.cli.picture_maker import PictureMaker
from jaxnst.cli.plan import PictureTask, plan_tasks
from jaxnst.errors import JaxnstError

PATIENCE = 60  # seconds, after which a thread that waits in vain fails the test


class Maker(PictureMaker[Stylize]):
    """Takes what is done to a picture."""

    counts_pictures = True
    at_once = 2

    def __init__(self, command: Stylize, work: Any) -> None:
        super().__init__(command)
        self._work = work

    def provenance(self, task: PictureTask) -> dict[str, Any]:
        return {}

    def make(self, task: PictureTask, provenance: dict[str, Any]) -> dict[str, Any]:
        self._work(number(task))
        return {}


def number(task: PictureTask) -> int:
    return int(task.output.stem.split("_")[0].removeprefix("photo"))


@pytest.fixture
def command(tmp_path: Path) -> Stylize:
    names = [tmp_path / f"photo{i}.png" for i in range(6)]
    for name in names:
        name.touch()
    return Stylize(tuple(names), tmp_path / "out", (Path("wave"),), quiet=True)


def run(command: Stylize, work: Any) -> int:
    tasks = plan_tasks(command.content, (), command.output, one=False, trained=("wave",))
    return Maker(command, work).make_all(tasks)


def names(capsys: pytest.CaptureFixture) -> list[int]:
    return [int(Path(line).stem[5]) for line in capsys.readouterr().out.splitlines()]


def test_the_next_picture_is_begun_while_one_is_made(command, capsys):
    begun = [threading.Event() for _ in range(7)]
    begun[6].set()

    def work(number: int) -> None:
        begun[number].set()
        if number % 2 == 0:
            assert begun[number + 1].wait(PATIENCE)

    assert run(command, work) == 0
    assert names(capsys) == [0, 1, 2, 3, 4, 5]


def test_one_that_fails_is_told_and_the_others_are_made(command, capsys):
    def work(number: int) -> None:
        if number in (1, 4):
            raise JaxnstError(f"photo{number}: is broken")

    assert run(command, work) == 2
    told = capsys.readouterr()
    assert [int(Path(line).stem[5]) for line in told.out.splitlines()] == [0, 2, 3, 5]
    assert told.err.splitlines() == [
        "jaxnst: error: photo1: is broken",
        "jaxnst: error: photo4: is broken",
        "2 of 6 pictures could not be made: see above",
    ]


def test_an_interrupt_ends_it_and_begins_no_more(command, capsys):
    made = []

    def work(number: int) -> None:
        made.append(number)
        if number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(command, work)
    assert names(capsys) == [0]
    assert len(made) < 6
