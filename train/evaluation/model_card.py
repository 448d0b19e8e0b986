"""The tables of measured figures in the documents, made from what ``evaluate`` stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fer_core.classifier import METRICS_FILE, TFLITE_FILE
from fer_core.labels import FER7
from fer_core.readings import LABELS
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, TEST
from train.errors import CardError
from train.evaluation.evaluate import model_config
from train.evaluation.parity import read_parity
from train.evaluation.records import Robustness
from train.evaluation.storage import MissingRecord, read_record
from train.evaluation.trials import TRIALS_DIR, as_table, read_trials
from train.files import write_whole

_SPLITS = {"PublicTest": "PublicTest", "PrivateTest": "PrivateTest", "test": "Public + PrivateTest"}
_VIEWS = {ONE_VIEW: "1", FLIP: "2 (mirrored)", CROPS: "10 (crops)"}
_VIEWS_IN_WORDS = {ONE_VIEW: "one view", FLIP: "two views", CROPS: "ten crops"}
_HEADER = (
    "| Model | Split | Pictures | Views at test time | Networks | Parameters "
    "| Accuracy (95 % interval) | Macro-F1 | ECE | Accuracy without leaked duplicates |\n"
    "|---|---|---:|---|---:|---:|---|---:|---:|---|"
)
# The model that reads where no other is named, on the pictures that chose nothing.
_HEADLINE_MODEL, _HEADLINE_SPLIT = FER7.name, PRIVATE_TEST
_HEADLINE_HEADER = f"| {_HEADLINE_MODEL} on {_HEADLINE_SPLIT} | Value (95 % interval) |\n|---|---:|"
_CLASS_HEADER = (
    "| Model | Emotion | Test pictures | Precision | Recall | F1 |\n|---|---|---:|---:|---:|---:|"
)
_PARITY_HEADER = (
    "| Model | Detector | Split | Faces found | Network alone | Whole pipeline | Difference |\n"
    "|---|---|---|---:|---:|---:|---:|"
)
_DETECTORS = {"yunet": "YuNet", "haar": "Haar cascades"}
_STABILITY_HEADER = (
    "| Model | Change | Probability that moves | Verdicts that change | Accuracy |\n"
    "|---|---|---:|---:|---:|"
)
# What a video does to a face from frame to frame.
_STABILITY = {
    ("shift", -1.0): "one pixel of 48 to the left",
    ("shift", 1.0): "one pixel of 48 to the right",
    ("rotation", -5.0): "5° to one side",
    ("rotation", 5.0): "5° to the other side",
    ("jpeg", 50.0): "JPEG of quality 50",
    ("jpeg", 30.0): "JPEG of quality 30",
}


def tables(models_dir: Path) -> dict[str, str]:
    """Returns Markdown tables by the names of their places in the documents.

    "metrics" has a row a model, split and number of views; "classes" a row a model and emotion,
    for one view of all test pictures; "parity" a row a model, detector and split; "stability" a
    row a model and small change of the picture; "trials-PLAN" what ``ablate --save`` stored;
    "headline" the few figures of the default model that come first.

    Raises:
        CardError: Nothing was measured, or not with the model and temperature that are there.
        ModelError: A model's configuration cannot be read.
    """
    files = sorted(models_dir.glob(f"*/{METRICS_FILE}"))
    measured = [(config, figures) for file in files for config, figures in _measured(file)]
    if not measured:
        raise CardError(f"No model in {models_dir} has a {METRICS_FILE}; run evaluate --save.")
    rows = [_row(config["parameters"], figures) for config, figures in measured]
    class_rows = [row for _, figures in measured for row in _class_rows(figures)]
    folders = [file.parent for file in files]
    return {
        "headline": _headline([figures for _, figures in measured]),
        "metrics": "\n".join([_HEADER, *rows]),
        "classes": "\n".join([_CLASS_HEADER, *class_rows]),
        "parity": "\n".join([_PARITY_HEADER, *_parity_rows(folders)]),
        "stability": "\n".join([_STABILITY_HEADER, *_stability_rows(folders)]),
        **{f"trials-{file.stem}": as_table(read_trials(file)) for file in _trials(models_dir)},
    }


def update_document(path: Path, tables: dict[str, str], *, check: bool = False) -> bool:
    """Puts tables between a document's markers.

    Args:
        path: A Markdown file with the lines ``<!-- NAME -->`` and ``<!-- /NAME -->`` for one or
            more of the tables.
        tables: What goes between them, by name.
        check: Whether to leave the file as it is.

    Returns:
        Whether the document was up to date.

    Raises:
        CardError: The file is missing, has no markers, or has some not once and in order.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"{path} cannot be read: {error}") from error
    updated, found = text, 0
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if begin not in text and end not in text:
            continue
        before, _, rest = updated.partition(begin)
        _, closed, after = rest.partition(end)
        if not closed or begin in rest or end in after:
            raise CardError(f"{path} needs one {begin} and, behind it, one {end}.")
        updated, found = f"{before}{begin}\n{table}\n{end}{after}", found + 1
    if not found:
        raise CardError(f"{path} has no place for a table, such as <!-- metrics -->.")
    if not check and updated != text:
        write_whole(path, updated)
    return updated == text


def _measured(file: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yields a model's configuration with each of its measurements, in the order of the table."""
    config = model_config(file.parent)
    name = file.parent.name
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        measured = [
            content[split][views]
            for split in _SPLITS
            for views in _VIEWS
            if views in content.get(split, {})
        ]
        for figures in measured:
            if _identity(figures["sha256"], figures["temperature"]) != _identity(
                config["sha256"][TFLITE_FILE], config["temperature"][LABELS]
            ):
                raise CardError(
                    f"{name} was exported or calibrated after it was measured on "
                    f"{figures['split']} ({figures['views']}); run evaluate --save again."
                )
            yield config, figures
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CardError):
            raise
        raise CardError(f"{file} cannot be read: {error!r}") from error


def _identity(sha256: str, temperature: float) -> tuple[str, float]:
    return sha256, float(temperature)


def _headline(measured: Iterable[dict[str, Any]]) -> str:
    """Return the default model's accuracy with the fewest and the most views, and its calibration.

    Nothing but the header where the model was not measured on the headline's split.
    """
    chosen = [
        figures
        for figures in measured
        if (figures["model"], figures["split"]) == (_HEADLINE_MODEL, _HEADLINE_SPLIT)
    ]
    rows = [_HEADLINE_HEADER]
    if chosen:
        plain, *more = chosen
        rows += [
            f"| Accuracy, {_effort(figures)} | {_accuracy(figures)} |"
            for figures in (plain, *more[-1:])
        ]
        rows.append(f"| Calibration error (ECE), {_effort(plain)} | {plain['ece']:.3f} |")
    return "\n".join(rows)


def _effort(figures: dict[str, Any]) -> str:
    """Return how many views and networks a measurement took, in words."""
    views, networks = _VIEWS_IN_WORDS[figures["views"]], figures["networks"]
    return f"{views} of each face" + (f", {networks} networks" if networks > 1 else "")


def _accuracy(figures: dict[str, Any]) -> str:
    low, high = figures["accuracy_interval"]
    return f"{figures['accuracy']:.2%} ({low:.2%}–{high:.2%})"


def _class_rows(figures: dict[str, Any]) -> list[str]:
    if (figures["split"], figures["views"]) != (TEST, ONE_VIEW):
        return []
    return [
        f"| {figures['model']} | {label.capitalize()} | {scores['support']:,} "
        f"| {scores['precision']:.1%} | {scores['recall']:.1%} | {scores['f1']:.3f} |"
        for label, scores in figures["per_class"].items()
    ]


def _trials(models_dir: Path) -> list[Path]:
    return sorted((models_dir.parent / TRIALS_DIR.name).glob("*.json"))


def _parity_rows(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        for row in read_parity(folder).rows:
            yield (
                f"| {folder.name} | {_DETECTORS.get(row.detector, row.detector)} | {row.split} "
                f"| {row.found / row.pictures:.1%} | {row.direct_accuracy:.2%} "
                f"| {row.pipeline_accuracy:.2%} | {row.difference_points:+.2f} points |"
            )


def _stability_rows(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        try:
            robustness = read_record(folder, Robustness)
        except MissingRecord:
            continue
        measured = {(row.kind, row.strength): row for row in robustness.rows}
        for condition, name in _STABILITY.items():
            if condition in measured:
                row = measured[condition]
                yield (
                    f"| {folder.name} | {name} | {row.mean_change:.1%} | {row.changed:.1%} "
                    f"| {row.accuracy:.1%} |"
                )


def _row(parameters: int, figures: dict[str, Any]) -> str:
    cells = (
        figures["model"],
        _SPLITS[figures["split"]],
        f"{figures['pictures']:,}",
        _VIEWS[figures["views"]],
        figures["networks"],
        f"{parameters:,}",
        _accuracy(figures),
        f"{figures['macro_f1']:.3f}",
        f"{figures['ece']:.3f}",
        f"{figures['accuracy_without_leaked']:.2%} ({figures['leaked']:,} left out)",
    )
    return f"| {' | '.join(map(str, cells))} |"
