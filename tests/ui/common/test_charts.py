from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

import ui
from ui.common.charts import bars_in_words

CHARTS = ("plotly_chart", "graphviz_chart")


def test_the_highest_bars_are_said() -> None:
    shares = np.array([0.1, 0.04, 0.83, 0.03], np.float32)
    assert bars_in_words("abcd", shares) == "c 83%, a 10%, b 4%"


def test_every_chart_has_an_alternative_text() -> None:
    calls = [
        (file.name, call)
        for file in Path(ui.__path__[0]).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in CHARTS
    ]
    lacking = [
        f"{name}:{call.lineno}"
        for name, call in calls
        if "alt" not in {keyword.arg for keyword in call.keywords}
    ]
    assert calls and not lacking
