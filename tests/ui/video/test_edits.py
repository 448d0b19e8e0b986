"""Persons are named, merged and hidden; what a merger costs is said before it happens."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.timeline import PersonEdits
from tests.fer_core.test_timeline import timeline_of
from tests.ui.photo.test_page import buttons

# Persons 1 and 2 share two frames; 3 comes when both are gone.
TIMELINE = timeline_of(
    (0.0, {1: 0.9, 2: 0.8}), (0.1, {2: 0.9, 1: 0.8}), (0.2, {1: 0.9}), (1.0, {3: 0.9})
)


def script(run: object) -> None:
    import streamlit as st

    from ui.video.edits import edit_person, show_undo, take_drop

    take_drop(run, st.session_state.pop("drop", None))
    show_undo(run)
    owners = {run.edits.owner(person) for person in (1, 2, 3)}
    edit_person(run, 2, sorted(owners - {2}), "key")


@pytest.fixture
def run() -> Any:
    """Stands for an analysis that is over."""
    result = SimpleNamespace(result=SimpleNamespace(timeline=TIMELINE))
    edits = PersonEdits(names={1: "*Ann*"})
    return SimpleNamespace(key="run", edits=edits, job=SimpleNamespace(result=result))


@pytest.fixture
def app(run: Any) -> AppTest:
    return AppTest.from_function(script, kwargs={"run": run}).run()


def said(app: AppTest) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", text.value) for text in (*app.warning, *app.caption)]


def test_persons_seen_one_after_the_other_merge_at_once(app: AppTest, run: Any) -> None:
    app.selectbox(key="key-merge").select(3).run()
    assert run.edits.merged == {2: 3}
    assert said(app) == ["Merged: Person 2 into Person 3"]
    app.button(key="unmerge").click().run()
    assert run.edits.merged == {}


def test_persons_seen_at_once_merge_when_the_loss_is_accepted(app: AppTest, run: Any) -> None:
    app.selectbox(key="key-merge").select(1).run()
    assert run.edits.merged == {}
    (warning,) = said(app)
    assert warning.startswith("Person 2 and *Ann* are seen at the same time.")
    assert "2 readings would be left out of everything." in warning
    (button,) = buttons(app, "Merge them, without 2 readings")
    button.click().run()
    assert run.edits.merged == {2: 1}
    assert said(app)[-1] == (
        "Merged: Person 2 into *Ann* (2 readings left out, of frames in which both were seen)"
    )
    assert not app.exception


@pytest.mark.parametrize(("into", "asked"), [(3, False), (1, True)])
def test_a_person_dragged_onto_another_becomes_the_same(
    app: AppTest, run: Any, into: int, asked: bool
) -> None:
    app.session_state["drop"] = (2, into)
    app.run()
    assert run.edits.merged == ({} if asked else {2: into}) and len(app.warning) == asked
    if asked:
        (leave,) = buttons(app, "Leave them two")
        leave.click().run()
        assert run.edits.merged == {} and not app.warning
    assert not app.exception
