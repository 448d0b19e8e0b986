"""How well calibrated a model's labels can be: ``python -m benchmarks.calibration fer7``.

Several maps of what the model says are fitted on four fifths of PublicTest and measured on the
fifth that is left, and the calibration error of forecasts that are exactly right is measured
beside them. It needs nothing but the stored predictions, and does not touch PrivateTest. Then it
prints how accuracy and log loss grew while the networks were trained on a card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from fer_core.classifier import MODELS_DIR
from fer_core.readings import softmax
from fer_core.tta import FLIP
from train.data.fer2013 import PUBLIC_TEST
from train.evaluation.metrics import (
    ECE_BINS,
    confidence_log_loss,
    expected_calibration_error,
    log_loss,
)
from train.evaluation.records import Predictions
from train.evaluation.storage import read_record
from train.training.calibrate import fit_temperature

FOLDS = 5
_DRAWS = 200
_LOGS = Path(__file__).resolve().parents[1] / "assets" / "training" / "card"

Logits = NDArray[np.float64]
Labels = NDArray[np.int64]
# Gives probabilities for logits; a fit makes one of logits and labels.
Map = Callable[[Logits], NDArray[np.float64]]


def main() -> int:
    """Print both tables; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("name", choices=["fer7", "fer6"], help="model")
    name: str = parser.parse_args().name
    verdicts = read_record(MODELS_DIR / name, Predictions).split(PUBLIC_TEST).verdicts(FLIP)
    # Any other temperature only scales these.
    logits = np.log(np.asarray(verdicts.probabilities, np.float64))
    print(f"{name}, {PUBLIC_TEST}, {len(verdicts.labels):,} pictures, {ECE_BINS} bins\n")
    print("| the labels' reading | ECE | log loss | of the confidence |\n|---|---:|---:|---:|")
    folds = np.random.default_rng(0).integers(0, FOLDS, len(logits))
    for what, fit in _FITS.items():
        mapped = cross_fitted(fit, logits, verdicts.labels, folds)
        figures = [
            measure(mapped, verdicts.labels)
            for measure in (expected_calibration_error, log_loss, confidence_log_loss)
        ]
        print(f"| {what} | {figures[0]:.3f} | {figures[1]:.4f} | {figures[2]:.4f} |")
    least, mean, most = error_of_the_exact(softmax(logits), np.random.default_rng(0))
    print(f"| forecasts that are exactly right | {mean:.3f} ({least:.3f} to {most:.3f}) | | |")
    print("\n| network | epochs | accuracy | log loss |\n|---|---:|---:|---:|")
    for member in ("a", "b"):
        for entry in json.loads((_LOGS / f"{name}-{member}.json").read_text())["log"]:
            print(
                f"| {name}-{member} | {entry['epoch']} | {entry['held-out_accuracy']:.1%} | "
                f"{entry['held-out_log_loss']:.3f} |"
            )
    return 0


def cross_fitted(
    fit: Callable[[Logits, Labels], Map], logits: Logits, labels: Labels, folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return probabilities float64 ``(N, K)``, each by a map that was fitted without its fold."""
    mapped = np.empty_like(logits)
    for fold in range(FOLDS):
        left_out = folds == fold
        mapped[left_out] = fit(logits[~left_out], labels[~left_out])(logits[left_out])
    return mapped


def error_of_the_exact(
    probabilities: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the calibration error when labels are drawn from the very forecasts.

    Returns:
        The 5th percentile, the mean and the 95th percentile; a perfect forecast does not measure 0,
        since a bin of few pictures never has just as many hits as it should.
    """
    steps = probabilities.cumsum(axis=1)
    errors = []
    for _ in range(_DRAWS):
        drawn = (steps < rng.random((len(steps), 1))).sum(axis=1)
        errors.append(expected_calibration_error(probabilities, drawn))
    least, most = np.quantile(errors, [0.05, 0.95])
    return float(least), float(np.mean(errors)), float(most)


def _as_served(_: Logits, __: Labels) -> Map:
    return softmax


def _temperature(logits: Logits, labels: Labels) -> Map:
    temperature = fit_temperature(logits, labels)
    return lambda others: softmax(others / temperature)


def _vector(logits: Logits, labels: Labels) -> Map:
    """Vector scaling (Guo et al., 2017) with one scale: an offset for each class beside it."""

    def mapped(weights: NDArray[np.float64], others: Logits) -> NDArray[np.float64]:
        return softmax(others * np.exp(weights[0]) + weights[1:])

    best = _least(lambda weights: log_loss(mapped(weights, logits), labels), 1 + logits.shape[1])
    return lambda others: mapped(best, others)


def _mixed(logits: Logits, labels: Labels) -> Map:
    """Ensemble temperature scaling (Zhang et al., 2020) without its raw part.

    Some labels are drawn by lot, and no confidence can be higher than the share that is not.
    """

    def mapped(weights: NDArray[np.float64], others: Logits) -> NDArray[np.float64]:
        by_lot = weights[1] ** 2 / (1 + weights[1] ** 2)
        return (1 - by_lot) * softmax(others * np.exp(weights[0])) + by_lot / others.shape[1]

    best = _least(lambda weights: confidence_log_loss(mapped(weights, logits), labels), 2)
    return lambda others: mapped(best, others)


def _least(loss: Callable[[NDArray[np.float64]], float], count: int) -> NDArray[np.float64]:
    # Not from 0, where the mixture's second weight has no slope.
    found: Any = minimize(loss, np.full(count, 0.1), method="Powell")
    return np.asarray(found.x, np.float64)


_FITS: dict[str, Callable[[Logits, Labels], Map]] = {
    "as served, its temperature from the held-out part": _as_served,
    "one temperature": _temperature,
    "a scale, and an offset for each class": _vector,
    "one temperature, and a share of chance": _mixed,
}


if __name__ == "__main__":
    raise SystemExit(main())
