"""What a page's address remembers; that the browser writes it is tested in the browser."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    from ui.common.address import kept_slider

    kept_slider("Smoothing", 0.0, 2.0, 0.4, 0.1, name="smoothing", key="smoothing-key")
    kept_slider("Threshold", 0, 100, 45, 5, name="threshold", key="threshold-key")


def page_at(**address: str) -> AppTest:
    app = AppTest.from_function(script)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def kept(app: AppTest) -> dict[str, str]:
    """Return what the browser is told to have in the address."""
    told = [
        json.loads(component.proto.json)
        for component in app.get("bidi_component")
        if component.key.startswith("address-")
    ]
    return {data["name"]: data["value"] for data in told}


def test_the_address_says_what_is_not_the_default() -> None:
    app = page_at()
    assert not app.exception and kept(app) == {"smoothing": "", "threshold": ""}
    app.slider(key="smoothing-key").set_value(1.2)
    app.slider(key="threshold-key").set_value(60).run()
    assert kept(app) == {"smoothing": "1.2", "threshold": "60"}


def test_a_page_begins_with_what_its_address_says() -> None:
    app = page_at(smoothing="1.2", threshold="60")
    assert app.slider(key="smoothing-key").value == 1.2
    assert app.slider(key="threshold-key").value == 60
    app.slider(key="threshold-key").set_value(45).run()
    assert kept(app) == {"smoothing": "1.2", "threshold": ""}
    assert not app.warning


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-1", "101", "1e999", "9" * 5000])
def test_what_cannot_be_is_passed_over(value: str) -> None:
    app = page_at(threshold=value)
    assert not app.exception
    assert app.slider(key="threshold-key").value == 45
