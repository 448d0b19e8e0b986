from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train.data.fer2013 import FaceSet
from train.errors import CardError
from train.evaluation.trials import BASELINE, read_trials, save_trials
from train.training import ablation
from train.training.ablation import run_plan
from train.training.config import TrainConfig
from train.training.plans import Plan

pytestmark = pytest.mark.training


def test_trials_are_measured_once(
    tiny_set: FaceSet, quick_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_run["epochs"] = 1
    base = TrainConfig.model_validate(quick_run)
    plain = TrainConfig.model_validate({**quick_run, "augmentation": {}})
    plan = Plan({BASELINE: base, "no augmentation": plain}, (1,))
    trials = run_plan(plan, tiny_set, tmp_path)
    assert [(one.change, one.seed) for one in trials] == [
        (change, config.seed) for change, config in plan.trials()
    ]
    for one in trials:
        assert 0 <= one.accuracy <= 1
        assert one.pictures == 56
        assert one.pictures_seen == len(tiny_set.split("Training"))
        assert one.multiply_adds > one.parameters > 0

    def twice(*_: Any, **__: Any) -> None:
        raise AssertionError("This was trained already.")

    monkeypatch.setattr(ablation, "fit", twice)
    assert run_plan(plan, tiny_set, tmp_path) == trials
    file = save_trials(trials, "tiny", tmp_path / "stored")
    assert read_trials(file) == trials
    file.write_text("[1]")
    with pytest.raises(CardError, match="ablate"):
        read_trials(file)
