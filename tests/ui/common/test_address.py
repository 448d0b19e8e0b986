"""What a page's address remembers; that the browser writes it is tested in the browser."""

from __future__ import annotations

import pytest
from streamlit.runtime.state.session_state import WStates
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import address


def script() -> None:
    from ui.common.address import kept_slider

    kept_slider("Smoothing", 0.0, 2.0, 0.4, 0.1, name="smoothing", key="smoothing-key")
    kept_slider("Threshold", 0, 100, 45, 5, name="threshold", key="threshold-key")


def choices() -> None:
    import streamlit as st

    from ui.common.address import kept_choice, kept_toggle

    kept_toggle("Both", key="both", name="both")
    shown = st.toggle("Shown", True, key="shown")
    said = kept_choice(
        st.selectbox, "Split", ["one", "two"], "one", name="split", key="split", shown=shown
    )
    st.markdown(said)


def page_at(**said: str) -> AppTest:
    app = AppTest.from_function(script)
    for name, value in said.items():
        app.query_params[name] = value
    return app.run()


def test_the_address_says_what_is_not_the_default() -> None:
    app = page_at()
    assert not app.exception and address(app) == {"smoothing": "", "threshold": ""}
    app.slider(key="smoothing-key").set_value(1.2)
    app.slider(key="threshold-key").set_value(60).run()
    assert address(app) == {"smoothing": "1.2", "threshold": "60"}


def test_a_page_begins_with_what_its_address_says() -> None:
    app = page_at(smoothing="1.2", threshold="60")
    assert app.slider(key="smoothing-key").value == 1.2
    assert app.slider(key="threshold-key").value == 60
    app.slider(key="threshold-key").set_value(45).run()
    assert address(app) == {"smoothing": "1.2", "threshold": ""}
    assert not app.warning


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-1", "101", "1e999", "9" * 5000])
def test_what_cannot_be_is_passed_over(value: str) -> None:
    app = page_at(threshold=value)
    assert not app.exception
    assert app.slider(key="threshold-key").value == 45


def test_a_choice_is_kept_in_the_address_and_where_it_is_not_drawn() -> None:
    app = AppTest.from_function(choices)
    app.query_params["split"] = "two"
    app.run()
    assert app.selectbox[0].value == app.markdown[0].value == address(app)["split"] == "two"
    app.selectbox[0].set_value("one").run()
    assert app.markdown[0].value == "one" and address(app)["split"] == ""
    app.selectbox[0].set_value("two").run()
    app.toggle(key="shown").set_value(False).run()
    assert not app.selectbox and app.markdown[0].value == address(app)["split"] == "two"
    app.toggle(key="shown").set_value(True).run()
    assert app.selectbox[0].value == "two" and not app.exception


def test_a_choice_is_kept_where_its_callback_was_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the next run does; Streamlit does not call it again."""
    app = AppTest.from_function(choices).run()
    monkeypatch.setattr(WStates, "call_callback", lambda *_: None)
    app.selectbox[0].set_value("two").run()
    assert app.selectbox[0].value == app.markdown[0].value == address(app)["split"] == "two"
    app.selectbox[0].set_value("one").run()
    assert app.selectbox[0].value == app.markdown[0].value == "one"
    app.toggle(key="both").set_value(True).run()
    assert app.toggle(key="both").value and address(app)["both"] == "yes"


@pytest.mark.parametrize("value", ["", "three", "\0"])
def test_a_choice_that_is_none_is_passed_over(value: str) -> None:
    app = AppTest.from_function(choices)
    app.query_params["split"] = value
    assert app.run().selectbox[0].value == "one" and not app.exception
