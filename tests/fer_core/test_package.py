"""What the core loads, and when."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


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
    assert not loaded & {"av", "supervision", "trackers", "pandas", "pyarrow"}


def test_what_follows_persons_is_imported_when_it_is_used() -> None:
    script = """
import sys
import numpy as np
from fer_core import drawing, persons, smoothing, tables, timeline, tracking, types
builder = timeline.TimelineBuilder(("happy", "sad"))
drawing.draw_tracked(np.zeros((64, 64, 3), np.uint8), types.TrackedFrame(0, 0.0, (64, 64)))
tables.summary_record(builder.build(), *builder.build().smoothed(0.4, 0.4))
heavy = {"supervision", "trackers", "pandas", "pyarrow", "av", "matplotlib"}
print(*heavy & {name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
