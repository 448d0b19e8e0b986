"""Command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

import cv2

from benchmarks.stages import frame_of, report_classifier, report_pipeline, report_runtimes
from benchmarks.startup import ROOT, report_startup
from benchmarks.timing import REFERENCE_NOTE, load_average
from fer_core.classifier import EmotionClassifier
from fer_core.labels import CLASS_SETS

_SAMPLES = ROOT / "assets" / "samples"


def main() -> int:
    """Print everything in one run and return the exit status."""
    options = _parser().parse_args()
    photo = options.photo or next(iter(sorted(_SAMPLES.glob("*.jpg"))), None)
    if photo is None:
        print(f"There is no photo in {_SAMPLES}; name one with --photo.")
        return 2
    # By default one thread everywhere: what one visitor costs on one core.
    cv2.setNumThreads(options.threads)
    print(f"{photo.name} in 640x480, {options.threads} thread(s), medians of {options.rounds}")
    print(f"load average {load_average()}; {REFERENCE_NOTE}")
    frame = frame_of(photo)
    classifiers = [EmotionClassifier.load(name, num_threads=options.threads) for name in CLASS_SETS]
    for classifier in classifiers:
        report_classifier(classifier, options.rounds)
    report_runtimes(frame, options.rounds)
    for detector in ("yunet", "haar"):
        report_pipeline(detector, classifiers[0], frame, options.rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of the pipeline alone: {peak:.0f} MiB")
    if not options.no_app:
        report_startup()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--photo", type=Path, help="picture to use, by default a sample photo")
    parser.add_argument("--rounds", type=int, default=50, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default %(default)s")
    parser.add_argument("--no-app", action="store_true", help="do not start the app")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
