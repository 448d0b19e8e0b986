"""Processes that read: answers in order, and a file on which one dies is tried twice and named."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from fer_core.budget import usable_cores
from fer_core.errors import ModelError, ReaderLost, SetAside
from fer_core.workers import Reader, Worker, Workers, packed

SENTENCE = "Reading it ended the process 2 times (signal 9, SIGKILL), so it was set aside."


class Echo:
    """Answers with the question; dies, or never answers, where it says so."""

    def read(self, question: str, /) -> tuple[str, int]:
        if question == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        while question == "wait":
            signal.pause()
        return question, usable_cores()


def cannot_load() -> Reader:
    raise ModelError("The model is damaged.")


def dies_at_once() -> Reader:
    os._exit(3)


def test_a_question_on_which_it_dies_is_set_aside_and_the_others_are_answered() -> None:
    with Worker(packed(Echo), cores=3) as worker:
        assert worker.ask("before") == (("before", 3), 1)
        with pytest.raises(SetAside) as killer:
            worker.ask("die")
        assert worker.ask("after") == (("after", 3), 1)
    assert (str(killer.value), killer.value.tries) == (SENTENCE, 2)


@pytest.mark.parametrize(
    ("make_reader", "error", "said"),
    [
        (cannot_load, ModelError, r"^The model is damaged\.$"),
        (dies_at_once, ReaderLost, r"^The process that reads files ends at once: exit status 3\.$"),
    ],
)
def test_what_all_questions_need_is_no_fault_of_one(
    make_reader: Callable[[], Reader], error: type[Exception], said: str
) -> None:
    with Worker(packed(make_reader)) as worker, pytest.raises(error, match=said):
        worker.ask("a")


def test_several_answer_in_order_and_end_whatever_they_are_at() -> None:
    questions = ["die", *"abcdefgh", "wait", "wait"]
    got = []
    with Workers(Echo, 2) as workers:
        assert len(workers) == 2
        for answer in workers.answers(questions):
            got.append(answer)
            if len(got) == 9:
                break
    assert isinstance(got[0], SetAside) and str(got[0]) == SENTENCE
    assert [text for text, _ in got[1:]] == list("abcdefgh")
