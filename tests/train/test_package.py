"""What the package loads when pages import it."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


def test_measuring_and_reading_load_nothing_heavy() -> None:
    # The contracts in pyproject.toml see every import statement; this sees which of them run when
    # a page opens. `architecture` describes a Keras network, and no page imports it.
    script = """
import importlib, pkgutil, sys
import train.data, train.evaluation
for package in (train.data, train.evaluation):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name != "train.evaluation.architecture":
            importlib.import_module(module.name)
import train.training.augment, train.training.config
print(*{name.partition(".")[0] for name in sys.modules})
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
