"""What was tried and what it gave, as ``train.training.ablation`` measures it; without Keras."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from train.errors import CardError
from train.files import write_json

BASELINE = "baseline"
TRIALS_DIR = Path(__file__).resolve().parents[2] / "assets" / "training"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a plan.

    Attributes:
        change: What is changed against the baseline; "baseline" for nothing.
        seed: Of the run.
        measured_on: Where the pictures are from: "PublicTest", or a part of Training held out.
        pictures: Their number.
        accuracy: Share of them that the last epoch's network classifies rightly, one view.
        log_loss: Mean negative log-likelihood in nats, not calibrated.
        parameters: The network's.
        multiply_adds: For one picture as it is served.
        pictures_seen: Training pictures times epochs.
        seconds: What the training took on the machine that ran it.
    """

    change: str
    seed: int
    measured_on: str
    pictures: int
    accuracy: float
    log_loss: float
    parameters: int
    multiply_adds: int
    pictures_seen: int
    seconds: float


def save_trials(trials: list[Trial], plan: str, folder: Path | None = None) -> Path:
    """Store a plan's trials for the documents, and return the file."""
    file = (folder or TRIALS_DIR) / f"{plan}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, [asdict(trial) for trial in trials])
    return file


def read_trials(file: Path) -> list[Trial]:
    """Read what ``save_trials`` stored.

    Raises:
        CardError: The file is damaged.
    """
    try:
        return TypeAdapter(list[Trial]).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise CardError(f"{file} cannot be read; run `python -m train ablate` again.") from error


def by_change(trials: list[Trial]) -> dict[str, dict[int, Trial]]:
    """Return the trials by their change and their seed, in the order in which changes come."""
    changes: dict[str, dict[int, Trial]] = {}
    for trial in trials:
        changes.setdefault(trial.change, {})[trial.seed] = trial
    return changes


def gains_of(trials: list[Trial]) -> dict[str, list[float]]:
    """Return by change what it gives against the baseline, in points of accuracy.

    Differences are taken seed by seed, between runs that see the same pictures in the same order
    as far as the change allows.
    """
    changes = by_change(trials)
    baseline = changes[BASELINE]
    return {
        change: [
            100 * (runs[seed].accuracy - baseline[seed].accuracy)
            for seed in sorted(runs.keys() & baseline.keys())
        ]
        for change, runs in changes.items()
    }


def as_table(trials: list[Trial]) -> str:
    """Return a Markdown table, one row per change, the best first, with the spread over seeds."""
    all_gains = gains_of(trials)
    rows = []
    for change, runs in by_change(trials).items():
        gains = all_gains[change]
        first = next(iter(runs.values()))
        rows.append(
            (
                _mean(gains),
                f"| {change} | {_spread([100 * t.accuracy for t in runs.values()], '.2f')} % "
                f"| {'' if change == BASELINE else _spread(gains, '+.2f')} "
                f"| {_spread([t.log_loss for t in runs.values()], '.3f')} | {len(runs)} "
                f"| {first.parameters / 1e6:.2f} M | {first.multiply_adds / 1e6:.1f} M |",
            )
        )
    header = (
        "| Change | Accuracy | Against the baseline, points | Log loss | Seeds | Parameters "
        "| Multiply-adds |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    ordered = sorted(rows, key=lambda row: row[0], reverse=True)
    return "\n".join([header, *(row for _, row in ordered)])


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _spread(values: list[float], form: str) -> str:
    """Return mean and standard deviation; of one value there is no deviation."""
    mean = format(_mean(values), form)
    return f"{mean} ± {np.std(values, ddof=1):{form.lstrip('+')}}" if len(values) > 1 else mean
