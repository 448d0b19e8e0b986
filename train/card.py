"""The tables of measured figures in the documents, made from what ``evaluate`` stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fer_core.classifier import TFLITE_FILE
from train.errors import CardError
from train.evaluate import FLIP, METRICS_FILE, ONE_VIEW, model_config
from train.files import write_whole

BEGIN, END = "<!-- metrics -->", "<!-- /metrics -->"
_SPLITS = {"PublicTest": "PublicTest", "PrivateTest": "PrivateTest", "test": "Public + PrivateTest"}
_VIEWS = {ONE_VIEW: "1", FLIP: "2 (mirrored)"}
_HEADER = (
    "| Model | Split | Pictures | Views at test time | Networks | Parameters "
    "| Accuracy (95 % interval) | Macro-F1 | ECE | Accuracy without leaked duplicates |\n"
    "|---|---|---:|---|---:|---:|---|---:|---:|---|"
)


def metrics_table(models_dir: Path) -> str:
    """Returns a Markdown table with a row a model, split and number of views.

    Raises:
        CardError: Nothing was measured, or not with the model and temperature that are there.
        ModelError: A model's configuration cannot be read.
    """
    rows = [
        row for file in sorted(models_dir.glob(f"*/{METRICS_FILE}")) for row in _model_rows(file)
    ]
    if not rows:
        raise CardError(f"No model in {models_dir} has a {METRICS_FILE}; run evaluate --save.")
    return "\n".join([_HEADER, *rows])


def update_document(path: Path, table: str, *, check: bool = False) -> bool:
    """Puts the table between a document's markers.

    Args:
        path: A Markdown file with the lines ``<!-- metrics -->`` and ``<!-- /metrics -->``.
        table: What goes between them.
        check: Whether to leave the file as it is.

    Returns:
        Whether the document was up to date.

    Raises:
        CardError: The file is missing or has not both markers once, in order.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"{path} cannot be read: {error}") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise CardError(f"{path} needs one {BEGIN} and, behind it, one {END}.")
    updated = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if not check and updated != text:
        write_whole(path, updated)
    return updated == text


def _model_rows(file: Path) -> Iterator[str]:
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
                config["sha256"][TFLITE_FILE], config["temperature"]
            ):
                raise CardError(
                    f"{name} was exported or calibrated after it was measured on "
                    f"{figures['split']} ({figures['views']}); run evaluate --save again."
                )
            yield _row(name, config["parameters"], figures)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CardError):
            raise
        raise CardError(f"{file} cannot be read: {error!r}") from error


def _identity(sha256: str, temperature: float) -> tuple[str, float]:
    return sha256, float(temperature)


def _row(name: str, parameters: int, figures: dict[str, Any]) -> str:
    low, high = figures["accuracy_interval"]
    cells = (
        name,
        _SPLITS[figures["split"]],
        f"{figures['pictures']:,}",
        _VIEWS[figures["views"]],
        figures["networks"],
        f"{parameters:,}",
        f"{figures['accuracy']:.2%} ({low:.2%}–{high:.2%})",
        f"{figures['macro_f1']:.3f}",
        f"{figures['ece']:.3f}",
        f"{figures['accuracy_without_leaked']:.2%} ({figures['leaked']:,} left out)",
    )
    return f"| {' | '.join(map(str, cells))} |"
