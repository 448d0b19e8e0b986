"""Measuring a visitor's own pictures, in the queue that all long work shares."""

from __future__ import annotations

import csv
import io
import json
import secrets
from dataclasses import asdict, dataclass, field

from fer_core.classifier import EmotionClassifier
from fer_core.detection import FaceDetector
from fer_core.errors import FerError
from fer_core.records import csv_cell
from fer_core.tta import FLIP
from train.errors import TrainError
from train.evaluation.custom_dataset import Measurement, measure_custom_dataset
from ui.common.jobs import Job, JobQueue
from ui.metrics.groups import groups_of
from ui.metrics.overview import figures_of


class _Stopped(Exception):
    """The visitor cancelled, or is gone."""


@dataclass(frozen=True, slots=True)
class OwnRun:
    """A measurement of somebody's pictures.

    Attributes:
        archive: Name of the .zip.
        model: Name of the model.
        how: What was read in words, "photos" or "face crops".
        job: Does it; its progress is a pair, pictures tried and all.
        key: Tells it apart from other runs, for the state of the page's widgets.
    """

    archive: str
    model: str
    how: str
    job: Job[Measurement | None]
    key: str = field(default_factory=lambda: secrets.token_hex(4))


def start_run(
    queue: JobQueue,
    owner: str,
    archive: tuple[str, bytes],
    classifier: EmotionClassifier,
    detector: FaceDetector | None,
) -> OwnRun:
    """Hand a measurement in.

    Args:
        queue: Does it.
        owner: Whose it is.
        archive: Name and content of the .zip.
        classifier: The model.
        detector: Finds the faces of photos; None for face crops.
    """
    name, content = archive

    def work(job: Job[Measurement | None]) -> Measurement | None:
        def tell(done: int, total: int) -> None:
            job.progress = done, total
            if job.stop.is_set():
                raise _Stopped

        try:
            return measure_custom_dataset(content, classifier, detector=detector, on_progress=tell)
        except _Stopped:
            return None
        except TrainError as error:
            # The queue passes on the sentences of the core's errors.
            raise FerError(str(error)) from error

    how = "face crops" if detector is None else "photos"
    return OwnRun(name, classifier.name, how, queue.submit(owner, work))


def figures_json(run: OwnRun, measurement: Measurement) -> str:
    """Return the figures of a measurement, with how they came about, as JSON."""
    record = {
        "archive": run.archive,
        "model": run.model,
        "read_as": run.how,
        "views": FLIP,
        **figures_of(measurement.verdicts),
        "by_group": {
            column: [asdict(group) for group in groups]
            for column, groups in groups_of(measurement).items()
        },
        "emotions_without_pictures": list(measurement.empty_classes),
        "skipped": [{"name": file.name, "reason": file.reason} for file in measurement.skipped],
    }
    return json.dumps(record, ensure_ascii=False, indent=2)


def verdicts_csv(measurement: Measurement) -> str:
    """Return one row per file: what it is labelled, what the model says, or why it was skipped."""
    verdicts = measurement.verdicts
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "label", "predicted", *verdicts.emotions, "skipped"])
    for name, label, said, row in zip(
        verdicts.names, verdicts.words, verdicts.said, verdicts.probabilities, strict=True
    ):
        shares = [f"{value:.6f}" for value in row]
        writer.writerow([csv_cell(name), label, said, *shares, ""])
    blank = [""] * (2 + len(verdicts.emotions))
    writer.writerows([csv_cell(file.name), *blank, file.reason] for file in measurement.skipped)
    return text.getvalue()
