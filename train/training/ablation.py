"""What a change of the recipe is worth: each change alone, with several seeds, against a baseline.

A recipe is searched on PublicTest, or on a part of Training that is held out; see
``docs/TRAINING.md``.
"""

from __future__ import annotations

import logging
import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from pydantic import TypeAdapter, ValidationError

from fer_core.preprocessing import normalize_faces
from fer_core.readings import softmax
from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes
from train.errors import ConfigError
from train.evaluation import metrics
from train.evaluation.architecture import describe
from train.evaluation.trials import BASELINE, Trial
from train.files import write_json
from train.training.config import TrainConfig, load_config
from train.training.fit import fit, split_for
from train.training.targets import without_crowd

logger = logging.getLogger(__name__)

TRIAL_FILE = "trial.json"
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
            name: TrainConfig.model_validate(_merged(plain, change))
            for name, change in changes.items()
        }
        return Plan({BASELINE: baseline, **configs}, tuple(map(int, seeds)))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is not a valid plan: {error}") from error


def _merged(config: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with some values replaced; tables are merged, lists are not."""
    merged = dict(config)
    for key, value in change.items():
        inner = isinstance(value, dict) and isinstance(config.get(key), dict)
        merged[key] = _merged(config[key], value) if inner else value
    return merged


def run_plan(
    plan: Plan, dataset: FaceSet, out_dir: Path, votes: Votes | None = None
) -> list[Trial]:
    """Train and measure what is not measured yet; an interrupted run goes on where it was.

    Args:
        plan: What to try.
        dataset: FER-2013.
        out_dir: Every trial has a folder there.
        votes: FER+'s, if the plan learns from them.

    Returns:
        The trials of the plan, in its order.

    Raises:
        TrainError: As ``fit`` raises.
    """
    done = []
    for change, config in plan.trials():
        folder = out_dir / f"{re.sub(r'[^a-z0-9]+', '-', change.lower()).strip('-')}-{config.seed}"
        file = folder / TRIAL_FILE
        if not file.exists():
            logger.info("%s, seed %d.", change, config.seed)
            started = time.monotonic()
            model = fit(config, dataset, folder, votes=votes, resume=True)
            assert model is not None
            trial = _measure(change, config, dataset, model, time.monotonic() - started)
            write_json(file, asdict(trial))
        done.append(TypeAdapter(Trial).validate_json(file.read_bytes()))
    return done


def _measure(
    change: str, config: TrainConfig, dataset: FaceSet, model: Path, seconds: float
) -> Trial:
    training, validation = split_for(config, dataset)
    network = without_crowd(keras.saving.load_model(model, compile=False))
    logits = network.predict(normalize_faces(validation.faces_gray), batch_size=256, verbose=0)
    probabilities = softmax(np.asarray(logits))
    shape = describe(network)
    return Trial(
        change,
        config.seed,
        config.validation,
        len(validation),
        float((probabilities.argmax(axis=1) == validation.labels).mean()),
        metrics.log_loss(probabilities, validation.labels),
        shape.parameters,
        shape.multiply_adds,
        len(training) * config.epochs,
        round(seconds, 1),
    )
