"""What a change of the recipe is worth: each change alone, with several seeds, against a baseline.

A recipe is searched on PublicTest, or on a part of Training that is held out; see
``docs/TRAINING.md``.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from pydantic import TypeAdapter

from fer_core.preprocessing import normalize_faces
from fer_core.readings import softmax
from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes
from train.evaluation import metrics
from train.evaluation.architecture import describe
from train.evaluation.trials import Trial
from train.files import write_json
from train.training.config import TrainConfig
from train.training.fit import fit
from train.training.plans import Plan
from train.training.samples import split_for
from train.training.targets import without_crowd

logger = logging.getLogger(__name__)

TRIAL_FILE = "trial.json"


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
