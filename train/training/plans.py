"""What to try of a recipe: a baseline, changes of it one at a time, and seeds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from train.errors import ConfigError
from train.evaluation.trials import BASELINE
from train.training.config import TrainConfig, load_config, merged

CONFIGS_DIR = Path(__file__).resolve().parents[1] / "configs"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try.

    Attributes:
        configs: The configuration of the baseline and of every change, in their order.
        seeds: Each configuration is trained with each of them.
    """

    configs: dict[str, TrainConfig]
    seeds: tuple[int, ...]

    def with_seed(self, seed: int) -> Plan:
        """Return the part of the plan with one seed.

        Raises:
            ConfigError: The plan has another seed.
        """
        if seed not in self.seeds:
            raise ConfigError(f"The plan's seeds are {', '.join(map(str, self.seeds))}.")
        return Plan(self.configs, (seed,))

    def trials(self) -> Iterator[tuple[str, TrainConfig]]:
        """Yield changes with their configurations, a seed after the other."""
        for seed in self.seeds:
            for change, config in self.configs.items():
                yield change, config.model_copy(update={"seed": seed})


def load_plan(path: Path) -> Plan:
    """Read a plan: the name of a configuration, seeds, and by name what each change sets.

    Raises:
        ConfigError: The file, or the configuration that it names, is missing or not valid.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        base, seeds, changes = content["base"], content["seeds"], content["changes"]
        baseline = load_config(CONFIGS_DIR / f"{base}.toml")
        plain = baseline.model_dump()
        configs = {
            name: TrainConfig.model_validate(merged(plain, change))
            for name, change in changes.items()
        }
        return Plan({BASELINE: baseline, **configs}, tuple(map(int, seeds)))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is not a valid plan: {error}") from error
