"""The sidebar, and what of it the page's address says."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import address

DEFAULTS = dict.fromkeys(("reading", "threshold", "emotions", "detector", "faces"), "")
OTHERS = {
    "reading": "labels",
    "threshold": "60",
    "emotions": "fer6",
    "detector": "haar",
    "faces": "yes",
}


def script() -> None:
    import streamlit as st

    from ui.common.settings import sidebar

    acts = st.toggle("Acts", True)
    settings = sidebar(for_photos=acts, with_settings=acts)
    said = (settings.reading, settings.threshold, settings.class_set, settings.detector.name)
    st.text(" ".join(map(str, said)))


def page_at(said: dict[str, str]) -> AppTest:
    page = AppTest.from_function(script, default_timeout=60)
    for name, value in said.items():
        page.query_params[name] = value
    return page.run()


@pytest.fixture(autouse=True)
def _no_yunet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "none.onnx"))


def test_the_address_says_every_setting_that_is_not_the_default() -> None:
    page = page_at({})
    assert not page.exception and address(page) == DEFAULTS
    for radio in page.radio:
        radio.set_value(OTHERS[{"classes": "emotions"}.get(radio.key, radio.key)])
    page.slider[0].set_value(60)
    page.toggle(key="ready-crops").set_value(True).run()
    assert address(page) == OTHERS and page.text[0].value == "labels 0.6 fer6 none"
    # Where none of them acts they are kept, and a picture is looked through for faces.
    page.toggle[0].set_value(False).run()
    assert not page.radio and not page.exception
    assert address(page) == OTHERS and page.text[0].value == "labels 0.6 fer6 haar"


def test_a_page_begins_with_the_settings_of_its_address() -> None:
    page = page_at(OTHERS)
    assert not page.exception and address(page) == OTHERS
    assert page.text[0].value == "labels 0.6 fer6 none"
    assert [radio.value for radio in page.radio] == ["labels", "fer6", "haar"]
    page.toggle(key="ready-crops").set_value(False)
    page.radio(key="reading").set_value("people").run()
    assert address(page) == OTHERS | {"faces": "", "reading": ""}


@pytest.mark.parametrize("wrong", ["", "none", "<b>", "0"])
def test_settings_that_cannot_be_are_passed_over(wrong: str) -> None:
    page = page_at(dict.fromkeys(("reading", "emotions", "detector", "faces"), wrong))
    assert not page.exception and not page.error and address(page) == DEFAULTS
