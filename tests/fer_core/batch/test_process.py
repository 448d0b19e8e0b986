"""The process that reads: a file on which it dies is tried twice, set aside, and named."""

from __future__ import annotations

import pytest

from fer_core.batch.plan import Input
from fer_core.batch.process import ReadingProcess, packed
from fer_core.errors import ModelError
from tests.fer_core.batch.readers import NamesReader, cannot_load


def test_a_file_on_which_it_dies_is_set_aside_and_the_others_are_read() -> None:
    with ReadingProcess(packed(NamesReader), 2) as process:
        before = process.read(Input("a.jpg", "photo", 2))
        killer = process.read(Input("killer.jpg", "photo", 2))
        after = process.read(Input("b.jpg", "photo", 3))
    assert [len(finding.faces) for finding in (before, killer, after)] == [2, 0, 3]
    assert killer.error is not None and killer.error["error"] == "SetAside"
    assert killer.file["reason"] == (
        "Reading it ended the process 2 times (signal 9, SIGKILL), so it was set aside."
    )
    assert (killer.file["status"], killer.file["tries"]) == ("failed", 2)
    assert (after.file["status"], after.file["tries"]) == ("read", 1)


def test_what_all_files_need_is_no_fault_of_one() -> None:
    with (
        ReadingProcess(packed(cannot_load)) as process,
        pytest.raises(ModelError, match=r"^The model is damaged\.$"),
    ):
        process.read(Input("a.jpg", "photo", 2))
