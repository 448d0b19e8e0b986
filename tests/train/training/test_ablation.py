from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from train.data.fer2013 import FaceSet
from train.errors import CardError, ConfigError
from train.evaluation.trials import BASELINE, Trial, as_table, read_trials, save_trials
from train.training import ablation
from train.training.ablation import Plan, load_plan, run_plan
from train.training.config import TrainConfig

PLANS = sorted((Path(__file__).parents[3] / "train" / "plans").glob("*.toml"))


def trial(change: str, seed: int, accuracy: float) -> Trial:
    return Trial(change, seed, "PublicTest", 100, accuracy, 1.0, 2_500_000, 40_000_000, 800, 9.5)


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


@pytest.mark.training
def test_trials_are_measured_once(
    tiny_set: FaceSet, tiny_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_run["epochs"] = 1
    base = TrainConfig.model_validate(tiny_run)
    plain = TrainConfig.model_validate({**tiny_run, "augmentation": {}})
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


def test_differences_are_taken_seed_by_seed() -> None:
    table = as_table(
        [
            trial(BASELINE, 0, 0.60), trial(BASELINE, 1, 0.64),
            trial("worse", 0, 0.59), trial("worse", 1, 0.61),
            trial("better", 0, 0.65),
        ]
    ).splitlines()  # fmt: skip
    rows = [line.split(" | ") for line in table[2:]]
    assert [row[0] for row in rows] == ["| better", "| baseline", "| worse"]
    assert rows[0][1:3] == ["65.00 %", "+5.00"]
    assert rows[1][1:3] == ["62.00 ± 2.83 %", ""]
    assert rows[2][2] == "-2.00 ± 1.41"
    assert rows[0][4:] == ["1", "2.50 M", "40.0 M |"]
