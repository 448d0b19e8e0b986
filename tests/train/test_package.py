"""What the modules import, and how long they are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MODULES = sorted((ROOT / "train").glob("*.py"))
# What pages import: without Keras, and without what takes long to import.
KERAS_FREE = (
    "archives", "audit", "augment", "config", "corrupt", "curves", "data", "doubts", "evaluate",
    "explain", "explore", "features", "fetch", "findings", "measure", "metrics", "near",
    "robustness", "stored", "tables", "trials", "votes",
)  # fmt: skip


def test_pages_get_by_without_keras() -> None:
    script = f"""
import sys
for name in {KERAS_FREE!r}:
    __import__("train." + name)
print(*{{name.partition(".")[0] for name in sys.modules}})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "cv2" in loaded
    assert not loaded & {
        "keras", "tensorflow", "torch", "jax", "streamlit", "pandas", "pyarrow", "sklearn",
        "openTSNE", "kagglehub",
    }  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_stay_short(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            documented = len((ast.get_docstring(node) or "").splitlines())
            assert node.end_lineno - node.lineno - documented <= 50, node.name
