"""What the core imports, and what it must not."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

MODULES = sorted((ROOT / "fer_core").rglob("*.py"))


def dotted(module: Path) -> str:
    """The module's name inside the package: "types", "video.source"; a package's own is its."""
    parts = module.relative_to(ROOT / "fer_core").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)


@pytest.mark.parametrize("module", MODULES, ids=dotted)
def test_core_needs_nothing_above_it(module: Path) -> None:
    packages = {name.partition(".")[0] for name in imports(module)}
    assert not packages & {"streamlit", "ui", "pages", "train", "tests", "tensorflow", "torch"}
    assert ("keras" in packages) is (dotted(module) == "network")


def test_imports_run_one_way() -> None:
    graph = {
        dotted(module): {
            name.removeprefix("fer_core.")
            for name in imports(module)
            if name.startswith("fer_core.")
        }
        for module in MODULES
    }
    assert set().union(*graph.values()) <= set(graph)
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises on a circle
    assert order.index("labels") < order.index("types") < order.index("pipeline")
    assert order.index("tracking") < order.index("persons") < order.index("video.analysis")


def test_reading_faces_imports_nothing_heavy() -> None:
    script = """
import sys
import cv2, numpy as np
import fer_core.__main__
from fer_core.pipeline import analyze_image, shared_classifier
analyze_image(np.zeros((64, 64, 3), np.uint8))
shared_classifier().predict(np.zeros((2, 48, 48), np.uint8))
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "torch", "jax", "streamlit", "matplotlib"}
    # What videos need is imported with the first video: together they take seconds.
    assert not loaded & {"av", "supervision", "trackers", "scenedetect", "pandas", "pyarrow"}


def test_what_follows_persons_is_imported_when_it_is_used() -> None:
    script = """
import sys
import numpy as np
from fer_core import drawing, persons, smoothing, tables, timeline, tracking, types
builder = timeline.TimelineBuilder(("happy", "sad"))
drawing.draw_tracked(np.zeros((64, 64, 3), np.uint8), types.TrackedFrame(0, 0.0, (64, 64)))
tables.summary_record(builder.build(), *builder.build().smoothed(0.4, 0.4))
heavy = {"supervision", "trackers", "scenedetect", "pandas", "pyarrow", "av", "anyascii"}
print(*heavy & {name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
