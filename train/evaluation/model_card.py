"""The tables of measured figures in the documents, made from what ``evaluate`` stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fer_core.classifier import METRICS_FILE, TFLITE_FILE
from fer_core.labels import FER6, FER7
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import CROPS, FLIP, ONE_VIEW
from train.data.fer2013 import PRIVATE_TEST, PUBLIC_TEST, TEST
from train.errors import CardError
from train.evaluation.evaluate import MEMBERS, model_config
from train.evaluation.parity import read_parity
from train.evaluation.records import Robustness, Wild
from train.evaluation.storage import MissingRecord, read_record
from train.evaluation.trials import TRIALS_DIR, as_table, read_trials
from train.evaluation.wild import NATURAL_COUNTS
from train.files import write_whole

_SPLITS = {"PublicTest": "PublicTest", "PrivateTest": "PrivateTest", "test": "Public + PrivateTest"}
_VIEWS = {ONE_VIEW: "1", FLIP: "2 (mirrored)", CROPS: "10 (crops)"}
_HEADER = (
    "| Model | Split | Pictures | Networks | Views of each face | Parameters "
    "| Accuracy (95 % interval) | Macro-F1 | ECE | Without leaked duplicates "
    "| Without near duplicates |\n"
    "|---|---|---:|---|---|---:|---|---:|---:|---:|---:|"
)
_PEOPLE_HEADER = (
    "| Model | Split | Eight answers: pictures | Agreement (95 % interval) | ECE of shares "
    "| Served reading: pictures | Agreement (95 % interval) | Without leaked | ECE of shares |\n"
    "|---|---|---:|---|---:|---:|---|---:|---:|"
)
_SHARES_HEADER = (
    "| Model | Forecast share | Bars | Mean forecast | Mean actual share |\n"
    "|---|---|---:|---:|---:|"
)
_WILD_HEADER = (
    f"| Model | Reading | Photos of | Natural accuracy (95 % interval) | Mean of five "
    f"| {' | '.join(emotion.capitalize() for emotion in NATURAL_COUNTS)} |\n"
    f"|---|---|---|---|---:|{'---:|' * len(NATURAL_COUNTS)}"
)
_WHO = {None: "everybody", "F": "women", "M": "men"}
_MIXTURE_HEADER = (
    "| Model | Weight of the people's answers | Natural accuracy | Mean of five | Neutral found "
    "| FER+ majority, PublicTest |\n|---|---:|---:|---:|---:|---:|"
)
_COVERAGE_HEADER = (
    "| Model | “Uncertain” below | Pictures with a verdict | Verdicts that are the crowd's |\n"
    "|---|---:|---:|---:|"
)
# Below, hardly a picture is left out; above, hardly one is left.
_COVERAGE_SHOWN = (0.25, 0.9)
# What the people's reading is judged on where nothing was chosen, and what its choices are made on.
_UNTOUCHED_SPLIT, _CHOICE_SPLIT = PRIVATE_TEST, PUBLIC_TEST
# The split of each model on which nothing was chosen.
_HEADLINES = {FER7.name: PRIVATE_TEST, FER6.name: TEST}
_HEADLINE_HEADER = "| | Share (95 % interval) |\n|---|---:|"
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
    """Return Markdown tables by the names of their places in the documents.

    "metrics" has a row per model, split, and number of networks and views, of the labels' reading;
    "people" a row per model and split; "shares" a row per model and range of shares; "wild" a row
    per model, reading and sex; "mixture" a row per model and weight; "coverage" a row per model and
    threshold; "classes" a row per model and emotion, for one view of all test pictures; "parity" a
    row per model, detector and split; "stability" a row per model and small change of the picture;
    "trials-PLAN" what ``ablate --save`` stored; "headline" the few figures that come first.

    Raises:
        CardError: Nothing was measured, or not with the model and temperature that are there.
        ModelError: A model's configuration cannot be read, or a stored record.
    """
    files = sorted(models_dir.glob(f"*/{METRICS_FILE}"))
    measured = [(config, figures) for file in files for config, figures in _measured(file)]
    if not measured:
        raise CardError(f"No model in {models_dir} has a {METRICS_FILE}; run evaluate --save.")
    labels = [(config, figures) for config, figures in measured if "accuracy" in figures]
    people = [figures for _, figures in measured if "accuracy" not in figures]
    folders = [file.parent for file in files]
    wild = [(folder.name, record) for folder in folders if (record := _wild_of(folder))]
    class_rows = [row for _, figures in labels for row in _class_rows(figures)]
    return {
        "headline": "\n".join(
            [_HEADLINE_HEADER, *_headline([figures for _, figures in labels], dict(wild))]
        ),
        "metrics": "\n".join([_HEADER, *(_row(config, figures) for config, figures in labels)]),
        "people": "\n".join([_PEOPLE_HEADER, *map(_people_row, people)]),
        "shares": "\n".join([_SHARES_HEADER, *_share_rows(people)]),
        "coverage": "\n".join([_COVERAGE_HEADER, *_coverage_rows(people)]),
        "wild": "\n".join([_WILD_HEADER, *_wild_rows(wild)]),
        "mixture": "\n".join([_MIXTURE_HEADER, *_mixture_rows(wild)]),
        "classes": "\n".join([_CLASS_HEADER, *class_rows]),
        "parity": "\n".join([_PARITY_HEADER, *_parity_rows(folders)]),
        "stability": "\n".join([_STABILITY_HEADER, *_stability_rows(folders)]),
        **{f"trials-{file.stem}": as_table(read_trials(file)) for file in _trials(models_dir)},
    }


def update_document(path: Path, tables: dict[str, str], *, check: bool = False) -> bool:
    """Put tables between a document's markers.

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
            raise CardError(f"{path} needs one {begin} and, after it, one {end}.")
        updated, found = f"{before}{begin}\n{table}\n{end}{after}", found + 1
    if not found:
        raise CardError(f"{path} has no place for a table, such as <!-- metrics -->.")
    if not check and updated != text:
        write_whole(path, updated)
    return updated == text


def _measured(file: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield a model's configuration with each of its measurements, in the order of the table."""
    config = model_config(file.parent)
    name = file.parent.name
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        measured = [
            figures
            for split in _SPLITS
            for of_split in [content.get(split, {})]
            for figures in (
                *of_split.get(MEMBERS, {}).values(),
                *(of_split[way] for way in (*_VIEWS, PEOPLE) if way in of_split),
            )
        ]
        for figures in measured:
            if not _is_current(figures, config):
                raise CardError(
                    f"{name} was exported, calibrated or mixed otherwise after it was measured on "
                    f"{figures['split']}; run evaluate --save again."
                )
            yield config, figures
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, CardError):
            raise
        raise CardError(f"{file} cannot be read: {error!r}") from error


def _is_current(figures: dict[str, Any], config: dict[str, Any]) -> bool:
    if figures["sha256"] != config["sha256"][TFLITE_FILE]:
        return False
    temperatures = config["temperature"]
    if "temperatures" in figures:
        of_people = figures["temperatures"], figures["mixture"]
        return bool(of_people == (temperatures, config["mixture"]))
    return bool(figures["temperature"] == temperatures[LABELS])


def _wild_of(folder: Path) -> Wild | None:
    try:
        return read_record(folder, Wild)
    except MissingRecord:
        return None


def _headline(measured: Iterable[dict[str, Any]], wild: dict[str, Wild]) -> Iterator[str]:
    """Yield what comes first: ordinary photos, and each model as it is served."""
    served = wild[FER7.name].readings if FER7.name in wild else ()
    for reading in served:
        if reading.reading == PEOPLE:
            figures = reading.everybody
            yield (
                "| Ordinary photos that are read as people read them, each emotion as often as it "
                f"occurs | {_share(figures.natural, figures.natural_interval)} |"
            )
    for name, split in _HEADLINES.items():
        for row in measured:
            if (row["model"], row["split"], row["views"]) == (name, split, FLIP):
                where = _SPLITS[split]
                yield (
                    f"| FER-2013's own labels, {len(row['labels'])} emotions, on the "
                    f"{row['pictures']:,} pictures of {where} | {_accuracy(row)} |"
                )


def _people_row(figures: dict[str, Any]) -> str:
    cells: list[str] = [figures["model"], _SPLITS[figures["split"]]]
    for agreement, shares in (("votes", "vote_shares"), ("people", "people_shares")):
        row = figures["figures"][agreement]
        cells += [f"{row['pictures']:,}", _share(row["share"], row["interval"])]
        if agreement == "people":
            cells.append(f"{row['without_leaked']:.2%}")
        cells.append(f"{figures['figures'][shares]['error']:.3f}")
    return f"| {' | '.join(cells)} |"


def _share_rows(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    for figures in people:
        if figures["split"] == _UNTOUCHED_SPLIT:
            for row in figures["figures"]["people_shares"]["bins"]:
                yield (
                    f"| {figures['model']} | {row['low']:.0%} to {row['high']:.0%} "
                    f"| {row['bars']:,} | {row['forecast']:.1%} | {row['actual']:.1%} |"
                )


def _coverage_rows(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    low, high = _COVERAGE_SHOWN
    for figures in people:
        if figures["split"] == _CHOICE_SPLIT:
            for row in figures["figures"]["coverage"]:
                if low <= row["threshold"] <= high and row["agreement"] is not None:
                    yield (
                        f"| {figures['model']} | {row['threshold']:.0%} | {row['coverage']:.1%} "
                        f"| {row['agreement']:.1%} |"
                    )


def _wild_rows(wild: Iterable[tuple[str, Wild]]) -> Iterator[str]:
    for name, record in wild:
        for reading in record.readings:
            for sex, figures in ((None, reading.everybody), *reading.by_sex.items()):
                recalls = [
                    f"{figures.by_emotion[emotion].recall:.0%} of "
                    f"{figures.by_emotion[emotion].pictures}"
                    if emotion in figures.by_emotion
                    else ""
                    for emotion in NATURAL_COUNTS
                ]
                cells = [
                    name,
                    reading.reading,
                    _WHO[sex],
                    _share(figures.natural, figures.natural_interval, digits=1),
                    f"{figures.mean_of_five:.1%}",
                    *recalls,
                ]
                yield f"| {' | '.join(cells)} |"


def _mixture_rows(wild: Iterable[tuple[str, Wild]]) -> Iterator[str]:
    for name, record in wild:
        for row in record.mixtures:
            neutral, agreement = (
                "" if share is None else f"{share:.1%}" for share in (row.neutral, row.agreement)
            )
            yield (
                f"| {name} | {row.weight:g} | {row.natural:.1%} | {row.mean_of_five:.1%} "
                f"| {neutral} | {agreement} |"
            )


def _share(share: float, interval: Sequence[float], digits: int = 2) -> str:
    low, high = interval
    return f"{share:.{digits}%} ({low:.{digits}%}–{high:.{digits}%})"


def _accuracy(figures: dict[str, Any]) -> str:
    return _share(figures["accuracy"], figures["accuracy_interval"])


def _class_rows(figures: dict[str, Any]) -> list[str]:
    if (figures["split"], figures["views"], figures["member"]) != (TEST, ONE_VIEW, None):
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


def _row(config: dict[str, Any], figures: dict[str, Any]) -> str:
    parameters = {member["name"]: member["parameters"] for member in config["members"]}
    member, near = figures["member"], figures["accuracy_without_near_leaked"]
    cells = (
        figures["model"],
        _SPLITS[figures["split"]],
        f"{figures['pictures']:,}",
        f"{member} alone" if member else figures["networks"],
        _VIEWS[figures["views"]],
        f"{parameters[member] if member else config['parameters']:,}",
        _accuracy(figures),
        f"{figures['macro_f1']:.3f}",
        f"{figures['ece']:.3f}",
        f"{figures['accuracy_without_leaked']:.2%} ({figures['leaked']:,} left out)",
        "" if near is None else f"{near:.2%} ({figures['near_leaked']:,} left out)",
    )
    return f"| {' | '.join(map(str, cells))} |"
