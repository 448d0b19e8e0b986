"""The shipped networks are as good as their stored figures say."""

from __future__ import annotations

import json

import pytest

from fer_core.classifier import METRICS_FILE, MODELS_DIR
from fer_core.tta import ONE_VIEW
from train.data.fer2013 import FaceSet
from train.evaluation.evaluate import evaluate

FLOOR = 0.69


@pytest.mark.parametrize(
    ("name", "splits"), [("fer7", ("PublicTest", "PrivateTest")), ("fer6", ("test",))]
)
def test_stored_figures_are_measured_again(
    whole_set: FaceSet, name: str, splits: tuple[str, ...]
) -> None:
    stored = json.loads((MODELS_DIR / name / METRICS_FILE).read_text(encoding="utf-8"))
    for split in splits:
        measured = evaluate(name, whole_set, split, MODELS_DIR)
        figures = stored[split][ONE_VIEW]
        # Another processor may round a handful of pictures over the edge.
        assert measured.accuracy == pytest.approx(figures["accuracy"], abs=0.002)
        assert measured.macro_f1 == pytest.approx(figures["macro_f1"], abs=0.004)
        assert measured.accuracy >= FLOOR
