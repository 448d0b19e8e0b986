from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from train.errors import ConfigError
from train.evaluation.trials import BASELINE
from train.training.plans import load_plan

PLANS = sorted((ROOT / "train" / "plans").glob("*.toml"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_shipped_plans_change_one_thing_with_three_seeds(path: Path) -> None:
    plan = load_plan(path)
    assert len(plan.seeds) >= 3
    configs = list(plan.configs.values())
    assert plan.configs[BASELINE] == configs[0]
    # Each is valid, another one, and never looks at PrivateTest.
    assert len({config.model_dump_json() for config in configs}) == len(configs)
    assert {config.validation for config in configs} == {configs[0].validation}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seeds = [0",
        'base = "nothing"\nseeds = [0]\n[changes]\n',
        'base = "fer7"\nseeds = ["x"]\n[changes]\n',
        'base = "fer7"\nseeds = [0]\n[changes]\na = { optimizer = { rate = 1 } }\n',
        'base = "fer7"\nseeds = [0]\nchanges = 3\n',
    ],
)
def test_a_bad_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_plan(path)


def test_a_change_keeps_the_rest_of_its_table(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        'base = "fer7"\nseeds = [4, 5]\n[changes]\n'
        '"no smoothing" = { optimizer = { label_smoothing = 0.0 } }\n'
    )
    plan = load_plan(path)
    before, after = plan.configs[BASELINE], plan.configs["no smoothing"]
    assert after.optimizer.label_smoothing == 0
    assert after.optimizer.peak_rate == before.optimizer.peak_rate
    assert after.augmentation == before.augmentation
    assert [(change, config.seed) for change, config in plan.trials()] == [
        (BASELINE, 4), ("no smoothing", 4), (BASELINE, 5), ("no smoothing", 5),
    ]  # fmt: skip
    assert [config.seed for _, config in plan.with_seed(5).trials()] == [5, 5]
    with pytest.raises(ConfigError, match="4, 5"):
        plan.with_seed(0)
