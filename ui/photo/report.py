"""The report of a visitor's photos, to take away."""

from __future__ import annotations

from collections.abc import Mapping

from fer_core.reporting.making import making_of
from fer_core.reporting.photos import PhotoReport
from ui.common.images import decoded_jpeg
from ui.common.resources import get_classifier
from ui.common.samples import Upload
from ui.common.settings import Settings
from ui.photo.shelf import PhotoReading


def photo_report(
    uploads: Mapping[str, Upload],
    readings: Mapping[tuple[str, str, str], PhotoReading],
    settings: Settings,
) -> bytes:
    """Return the report of all photos that were read as chosen.

    Args:
        uploads: Photos, as on the shelf, by the SHA-256 of their files.
        readings: What was found in them, as on the shelf.
        settings: The visitor's choices.
    """
    reader = get_classifier(settings.class_set, settings.reading)
    making = making_of(reader, settings.detector.name, settings.threshold)
    report = PhotoReport(making, count=len(uploads))
    for key, upload in uploads.items():
        reading = readings.get((key, settings.detector.name, settings.reading))
        if reading is None:
            continue
        if reading.error:
            report.add_failure(upload.name, reading.error)
            continue
        crops_bgr = [decoded_jpeg(crop) for crop in reading.crops]
        frame = reading.frames[settings.class_set]
        # A photo is on the shelf under its checksum.
        report.add(upload.name, decoded_jpeg(reading.shown), frame, crops_bgr, checksum=key)
    return report.html().encode()
