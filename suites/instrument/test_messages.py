"""What comes from a worker is data of known classes, and an answer to what was asked."""

from pathlib import Path

import numpy as np
import pytest

from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.workers.answers import ANSWERS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.sound import Lost, sound
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.cases.pickled import Unreadable, dumps, loads
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_isolation import backend_with, file_with


class Foreign(np.ndarray):
    """An array that a judge would have to import."""


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(pickle_of, id=id)
        for id, pickle_of in {
            "a class": dumps(Foreign((1,))),
            "a call": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
            "cut off": dumps(np.zeros(9))[:-9],
            "no message": b"hello",
            "empty": b"",
        }.items()
    ],
)
def test_a_message_of_unknown_classes_is_not_read(message: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        loads(message, ANSWERS)
    assert "\n" not in str(caught.value)


def test_a_declaration_of_unknown_classes_is_one_line(tmp_path: Path) -> None:
    path = file_with(tmp_path, "class Word(str):\n    pass\n")
    path.write_text(path.read_text().replace('"mine.LazyAdam"', 'Word("mine.LazyAdam")'))
    with pytest.raises(BrokenDeclaration, match=r"what it declares can't be read: it holds a mine_\w+.Word"):
        read(path)


@pytest.mark.parametrize("wrong", ["shape", "type", "states", "counts", "kind"])
def test_an_answer_that_is_no_trajectory_of_the_case_is_a_death(wrong: str, tmp_path: Path) -> None:
    case = sample()
    with Process(backend_with(tmp_path)) as process:
        (right,) = process.run([case])
    assert sound(case, right) is right
    w, m, v, t = right.w, right.m, right.v, right.t
    answer: object = {
        "shape": Trajectory([x[:, :1] for x in w], m, v, t),
        "type": Trajectory([x.astype(np.float32) for x in w], m, v, t),
        "states": Trajectory([x[:3] for x in w], [x[:3] for x in m], [x[:3] for x in v], t[:3]),
        "counts": Trajectory(w, m, v, t[:, :0]),
        "kind": None,
    }[wrong]
    with pytest.raises(Lost):
        sound(case, answer)


def test_an_answer_to_another_case_or_of_another_process_is_a_death(tmp_path: Path) -> None:
    with Process(backend_with(tmp_path)) as process:
        process._send(("run", [sample(number=1)]))
        with pytest.raises(Lost, match="it answered case"):
            process._answer(20, sample(number=2).digest)
        process.pid += 1
        process._send(("run", [sample(number=1)]))
        with pytest.raises(Lost, match="which was asked"):
            process._answer(20, sample(number=1).digest)
        process.pid -= 1
