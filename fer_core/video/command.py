"""Command line: ``facial-emotions video``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fer_core.commands import add_reading_options, files_in, load_classifier, unused
from fer_core.detection import load_detector
from fer_core.errors import FerError, UnwritableVideo
from fer_core.extras import require_video
from fer_core.protocols import FaceReader
from fer_core.smoothing import DEFAULT_SMOOTHING_S

if TYPE_CHECKING:  # PyAV and pandas are imported by those who analyse videos
    from fer_core.video.analysis import VideoOptions, VideoResult


def add_video_command(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    video = commands.add_parser("video", help="read the faces in videos over time")
    video.add_argument("paths", nargs="+", type=Path, metavar="INPUT", help="video or folder")
    video.add_argument("--out", type=Path, required=True, metavar="DIR")
    video.add_argument(
        "--fps", type=_rate, metavar="N", help="analysed frames a second (default: every frame)"
    )
    video.add_argument(
        "--smoothing",
        type=_seconds,
        default=DEFAULT_SMOOTHING_S,
        metavar="SECONDS",
        help="time constant of the smoothing, 0 for none (default %(default)s)",
    )
    video.add_argument("--no-video", action="store_true", help="write no annotated video")
    add_reading_options(video)
    video.set_defaults(run=_run)


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return value


def _run(options: argparse.Namespace) -> int:
    require_video()
    from fer_core.video.opening import VIDEO_SUFFIXES

    videos = list(files_in(options.paths, VIDEO_SUFFIXES))
    if not videos:
        print("There are no videos in these folders.", file=sys.stderr)
    classifier = load_classifier(options)
    options.detector = load_detector(options.detector).name  # what "auto" is today
    options.out.mkdir(parents=True, exist_ok=True)
    written: set[Path] = set()
    failures = 0
    for path, name in videos:
        base = unused(options.out / name, written)
        try:
            sentence = _analyze_file(path, base, classifier, options)
        except (FerError, OSError) as error:
            failures += 1
            sentence = str(error)
        tqdm.write(f"{path}: {sentence}")
    return 1 if failures else 0


def _analyze_file(
    path: Path, base: Path, classifier: FaceReader, options: argparse.Namespace
) -> str:
    """Analyse one video, write its files and return what to say of it."""
    from fer_core.video.analysis import VideoOptions, analyze_video
    from fer_core.video.progress import Progress

    request = _request(path, options)
    if _is_done(_named(base, ".json"), request):
        return "already done."
    base.parent.mkdir(parents=True, exist_ok=True)
    what = VideoOptions(fps=options.fps, threshold=options.threshold, smoothing_s=options.smoothing)
    with tqdm(desc=path.name, unit="frame", disable=None, leave=False) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        result = analyze_video(
            path,
            classifier=classifier,
            make_detector=lambda: load_detector(options.detector),
            options=what,
            annotated=None if options.no_video else _named(base, ".annotated.mp4"),
            on_progress=show,
        )
    return _write(base, request, result, what)


def _request(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return what the results depend on; equal requests need no second analysis."""
    stat = path.stat()
    return {
        "bytes": stat.st_size,
        "modified_ns": stat.st_mtime_ns,
        "fps": options.fps,
        "smoothing_s": options.smoothing,
        "threshold": options.threshold,
        "detector": options.detector,
        "classes": options.classes,
        "reading": options.reading,
        "video": not options.no_video,
    }


def _is_done(summary: Path, request: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(summary.read_bytes())["request"] == request)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _write(
    base: Path,
    request: dict[str, Any],
    result: VideoResult,
    options: VideoOptions,
) -> str:
    """Write the tables; the summary comes last, since it says that all is there."""
    from fer_core.tables import (
        captions_vtt,
        summary_record,
        table_to_csv,
        table_to_parquet,
        timeline_table,
    )

    timeline = result.timeline
    smoothed, verdicts = timeline.smoothed(options.smoothing_s, options.threshold)
    table = timeline_table(timeline, smoothed, verdicts)
    _named(base, ".csv").write_bytes(table_to_csv(table))
    _named(base, ".parquet").write_bytes(table_to_parquet(table))
    _named(base, ".vtt").write_text(captions_vtt(timeline, verdicts), encoding="utf-8")
    if result.unwritten:
        raise UnwritableVideo(result.unwritten)
    record = {
        "request": request,
        "damage": result.damage,
        **summary_record(timeline, smoothed, verdicts, facts=result.facts.record()),
    }
    _named(base, ".json").write_text(json.dumps(record, indent=2), encoding="utf-8")
    frames, persons = len(timeline.frame_index), len(timeline.persons())
    sentence = f"{frames} frames analysed, {persons} person{'s' * (persons != 1)}."
    if result.facts.turned_deg:
        sentence += f" The picture was turned by {result.facts.turned_deg}°."
    return f"{sentence} {result.damage}" if result.damage else sentence


def _named(base: Path, suffix: str) -> Path:
    # The video's own suffix stays in the name, for a.mp4 beside a.mov.
    return base.with_name(f"{base.name}{suffix}")
