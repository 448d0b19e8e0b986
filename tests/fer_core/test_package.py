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

MODULES = sorted((ROOT / "fer_core").glob("*.py"))


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_core_needs_nothing_above_it(module: Path) -> None:
    packages = {name.partition(".")[0] for name in imports(module)}
    assert not packages & {"streamlit", "ui", "pages", "train", "tests", "tensorflow", "torch"}
    assert ("keras" in packages) is (module.stem == "network")


def test_imports_run_one_way() -> None:
    graph = {
        module.stem: {
            name.removeprefix("fer_core.") for name in imports(module) if "fer_core." in name
        }
        for module in MODULES
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises on a circle
    assert order.index("labels") < order.index("types") < order.index("pipeline")


def test_reading_faces_imports_nothing_heavy() -> None:
    script = """
import sys
import cv2, numpy as np
import fer_core.__main__
from fer_core.pipeline import analyze_image, _default_classifier
analyze_image(np.zeros((64, 64, 3), np.uint8))
_default_classifier().predict(np.zeros((2, 48, 48), np.uint8))
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "torch", "jax", "streamlit", "pandas", "matplotlib"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_stay_short(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            # A docstring that explains every argument is no length.
            documented = len((ast.get_docstring(node) or "").splitlines())
            assert node.end_lineno - node.lineno - documented <= 50, node.name
