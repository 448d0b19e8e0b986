"""Command line: ``facial-emotions video``."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fer_core.budget import usable_cores
from fer_core.commands import (
    add_jobs_option,
    add_reading_options,
    add_video_options,
    count_inputs,
    failure_of,
    load_classifier,
    names_a_page,
    say,
)
from fer_core.detection import FaceDetector, load_detector
from fer_core.errors import UnwritableVideo
from fer_core.extras import require_video
from fer_core.files import (
    ANNOTATED_VIDEO,
    VIDEO_SUFFIXES,
    check_writable,
    files_in,
    unclaimed,
    write_at_once,
)
from fer_core.protocols import FaceReader
from fer_core.workers import Reader, Workers

if TYPE_CHECKING:  # PyAV and pandas are imported by those who analyse videos
    from fer_core.video.analysis import VideoOptions, VideoResult
    from fer_core.video.progress import Progress

_TABLES, _SUMMARY = (".csv", ".parquet", ".vtt"), ".json"
_REPORT = ".html"


def add_video_command(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    video = commands.add_parser("video", help="read the faces in videos over time")
    # Also none: the only one may come right after --report.
    video.add_argument("paths", nargs="*", type=Path, metavar="INPUT", help="video or folder")
    video.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_video_options(video)
    video.add_argument("--no-video", action="store_true", help="write no annotated video")
    video.add_argument(
        "--report",
        action=_Report,
        nargs="?",
        default=False,
        metavar="FILE.html",
        help="write a page to look at, which needs no network: beside the other files, or for one "
        "video to FILE.html",
    )
    add_jobs_option(video, "all cores; short videos are read by one")
    add_reading_options(video)
    video.set_defaults(run=_run, more_paths=[], refuse=video.error)


class _Report(argparse.Action):
    """Where reports go: True for beside the other files, or the path of a page.

    What follows and is no page's name is an input, as it is after any flag.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take in what follows the option, or None."""
        page = values is not None and names_a_page(values)
        namespace.report = Path(values) if page else True
        if values is not None and not page:
            namespace.more_paths = [*namespace.more_paths, Path(values)]


def _run(options: argparse.Namespace) -> int:
    options.paths = [*options.more_paths, *options.paths]
    if not options.paths:
        options.refuse("the following arguments are required: INPUT")
    require_video()
    total, failures = count_inputs(options.paths, VIDEO_SUFFIXES, "videos")
    if not total:
        return 1
    if isinstance(options.report, Path):
        if total > 1:
            options.refuse(
                f"{options.report} can be the page of one video, and these are {total:,}; after "
                "--report alone there is a page beside the other files of each"
            )
        check_writable(options.report)
    classifier = load_classifier(options)
    options.detector = load_detector(options.detector).name  # what "auto" is today
    options.out.mkdir(parents=True, exist_ok=True)
    make_reader = partial(_piece_reader, options.detector, options.classes, options.reading)
    with Workers(make_reader, options.jobs or usable_cores()) as workers:
        for path, name in files_in(options.paths, VIDEO_SUFFIXES):
            try:
                sentence = _analyze_file(path, options.out / name, classifier, workers, options)
            except Exception as error:
                failures += 1
                sentence = failure_of(path, error)
            say(f"{path}: {sentence}")
    return 1 if failures else 0


def _piece_reader(detector: str, classes: str, reading: str) -> Reader:
    from fer_core.video.pieces import PieceReader

    return PieceReader(detector, classes, reading)


def _analyze_file(
    path: Path,
    base: Path,
    classifier: FaceReader,
    workers: Workers,
    options: argparse.Namespace,
) -> str:
    """Analyse one video, write its files and return what to say of it."""
    from fer_core.video.analysis import VideoOptions

    source, request = _source(path), _request(options)
    base = unclaimed(base, ANNOTATED_VIDEO, lambda base: _is_ours(base, source))
    if _is_done(base, source, request, report=options.report):
        return "already done."
    what = VideoOptions(fps=options.fps, threshold=options.threshold, smoothing_s=options.smoothing)
    # Until all is there, the files are in a folder of their own, which goes however this ends.
    with (
        TemporaryDirectory(
            dir=base.parent, prefix=".", suffix=".part", ignore_cleanup_errors=True
        ) as folder,
        tqdm(desc=path.name, unit="frame", disable=None, leave=False) as bar,
    ):
        staged = Path(folder, base.name)

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        copy = None if options.no_video else _named(staged, ANNOTATED_VIDEO)
        result = _analyze(path, copy, what, classifier, workers, options, show)
        if options.report:
            from fer_core.video.report import report_of_video

            html = report_of_video(
                path.name, result, path, reader=classifier, detector=options.detector
            ).encode()
            if isinstance(options.report, Path):
                write_at_once(options.report, html)
            else:
                _named(staged, _REPORT).write_bytes(html)
        head = {"source": source, "request": request, "report": _place(options.report)}
        sentence = _write(staged, head, result, what)
        _put_in_place(staged, base)
    if result.unwritten:
        raise UnwritableVideo(result.unwritten)
    return sentence


def _analyze(
    path: Path,
    copy: Path | None,
    what: VideoOptions,
    classifier: FaceReader,
    workers: Workers,
    options: argparse.Namespace,
    show: Callable[[Progress], None],
) -> VideoResult:
    """Analyse one video, in pieces where that is faster."""
    from fer_core.video.analysis import analyze_video
    from fer_core.video.pieces import analyze_in_pieces, annotate

    def make_detector() -> FaceDetector:
        return load_detector(options.detector)

    if len(workers) > 1:
        result = analyze_in_pieces(
            path, workers, make_detector=make_detector, options=what, on_progress=show
        )
        if result is not None:
            return annotate(path, copy, result) if copy else result
    return analyze_video(
        path,
        classifier=classifier,
        make_detector=make_detector,
        options=what,
        annotated=copy,
        on_progress=show,
    )


def _source(path: Path) -> dict[str, Any]:
    """Return what tells a video apart from others of its name, and from itself before a change."""
    stat = path.stat()
    return {
        "path": os.path.realpath(path),
        "bytes": stat.st_size,
        "modified_ns": stat.st_mtime_ns,
    }


def _request(options: argparse.Namespace) -> dict[str, Any]:
    """Return what else the results depend on; equal requests need no second analysis."""
    return {
        "fps": options.fps,
        "smoothing_s": options.smoothing,
        "threshold": options.threshold,
        "detector": options.detector,
        "classes": options.classes,
        "reading": options.reading,
        "video": not options.no_video,
    }


def _summary(base: Path) -> Any:
    """Return what the summary of that name says, or None where it is no JSON object.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    try:
        found = json.loads(_named(base, _SUMMARY).read_bytes())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_ours(base: Path, source: dict[str, Any]) -> bool:
    """Return whether the results of that name are of this video, or there are none."""
    try:
        found = (_summary(base) or {}).get("source")
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False
    if not isinstance(found, dict):
        return False  # another program's file
    if found.get("path") == source["path"]:
        return True
    # A video that was moved is still the same.
    moved = not os.path.exists(str(found.get("path")))
    return moved and found == source | {"path": found.get("path")}


def _place(report: bool | Path) -> bool | str:
    """Return where a report is, as the summary says it: beside it, elsewhere, or nowhere."""
    return os.path.realpath(report) if isinstance(report, Path) else report


def _is_done(
    base: Path, source: dict[str, Any], request: dict[str, Any], *, report: bool | Path
) -> bool:
    """Return whether all results are there, and are what would be written again."""
    endings = [*_TABLES, *([ANNOTATED_VIDEO] if request["video"] else [])]
    files = [_named(base, ending) for ending in (*endings, _SUMMARY)]
    if report:
        files.append(report if isinstance(report, Path) else _named(base, _REPORT))
    if not all(file.is_file() for file in files):
        return False
    found = _summary(base)
    same = found["source"] | {"path": source["path"]} == source
    # A page may be left from a run with other options.
    same = same and (not report or found.get("report") == _place(report))
    return same and found.get("request") == request and found.get("unwritten") is None


def _write(
    base: Path,
    head: dict[str, Any],
    result: VideoResult,
    options: VideoOptions,
) -> str:
    """Write the tables and the summary, and return what to say."""
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
    record = {
        **head,
        "damage": result.damage,
        "unwritten": result.unwritten,
        **summary_record(
            timeline,
            smoothed,
            verdicts,
            facts=result.facts.record(),
            threshold=options.threshold,
        ),
    }
    _named(base, _SUMMARY).write_text(json.dumps(record, indent=2), encoding="utf-8")
    frames, persons = len(timeline.frame_index), len(timeline.persons())
    sentence = f"{frames} frames analysed, {persons} person{'s' * (persons != 1)}."
    if result.facts.turned_deg:
        sentence += f" The picture was turned by {result.facts.turned_deg}°."
    return f"{sentence} {result.damage}" if result.damage else sentence


def _put_in_place(staged: Path, base: Path) -> None:
    """Give the files their names; the summary is the last, since it says that all is there."""
    _named(base, _SUMMARY).unlink(missing_ok=True)
    for ending in (ANNOTATED_VIDEO, *_TABLES, _REPORT, _SUMMARY):
        if _named(staged, ending).exists():
            _named(staged, ending).replace(_named(base, ending))


def _named(base: Path, suffix: str) -> Path:
    # The video's own suffix stays in the name, for a.mp4 beside a.mov.
    return base.with_name(f"{base.name}{suffix}")
