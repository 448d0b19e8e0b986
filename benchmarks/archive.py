"""The archive page over many faces: ``python -m benchmarks.archive``.

A data set of made-up readings is written with the columns of a real one, and opened as the page
opens it. Then each filter is set, and all is asked that the page asks with it. No filter comes
twice, so nothing is answered from memory that would not be on the page. At last the page itself is
drawn with a filter that it had not.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from streamlit.testing.v1 import AppTest

from benchmarks.goals import Goal, tell
from benchmarks.startup import ROOT
from benchmarks.timing import machine
from fer_core.batch.dataset import Dataset
from fer_core.batch.reading import table_of
from fer_core.batch.schema import FACES, FILES, PHOTO, VIDEO
from fer_core.labels import DEFAULT_THRESHOLD, FER7, UNCERTAIN
from ui.archive.faces import MOST_PAGES, PER_PAGE
from ui.archive.filters import CONFIDENCE
from ui.archive.index import Index, open_index
from ui.archive.overview import MOST_FOLDERS
from ui.archive.persons import MOST_VIDEOS, persons_of
from ui.archive.places import ARCHIVE_VARIABLE
from ui.archive.queries import (
    ORDERS,
    Selection,
    days_of,
    folders_of,
    numbers_of,
    shown_of,
    videos_of,
)
from ui.archive.rows import face_rows, video_rows
from ui.archive.take import MOST_ROWS, content_of

MAX_S = 1.0
_PART_ROWS = 100_000
_FOLDERS = 20_000
_VIDEO_SHARE = 0.2
_VIDEO_ROWS = 5_000
_FIRST, _LAST = np.datetime64("2005-01-01", "s"), np.datetime64("2025-01-01", "s")
_SHARES = (0.08, 0.02, 0.06, 0.3, 0.12, 0.06, 0.36)


def main() -> int:
    """Measure, print the table, and return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=10_000_000, help="faces in all (default %(default)s)"
    )
    options = parser.parse_args()
    print(f"{machine()}; {options.rows:,} faces")
    with tempfile.TemporaryDirectory(prefix="fer-bench-") as name:
        began = time.perf_counter()
        write(Path(name) / "readings", options.rows)
        print(f"  written in {time.perf_counter() - began:.0f} s", flush=True)
        return tell(measured(str(Path(name) / "readings")))


def write(folder: Path, rows: int) -> None:
    """Write a data set of about as many faces, a fifth of them in videos."""
    note = {
        "labels": list(FER7.labels),
        "reading": "people",
        "threshold": DEFAULT_THRESHOLD,
    }
    dataset = Dataset(str(folder), note, FER7.labels)
    dataset.begin()
    random = np.random.default_rng(0)
    parts = max(2, rows // _PART_ROWS)
    for part in range(parts):
        kind = VIDEO if part < parts * _VIDEO_SHARE else PHOTO
        dataset.write(f"part-{part:05}", kind, _tables(dataset, random, part, kind))


def _tables(
    dataset: Dataset, random: np.random.Generator, part: int, kind: str
) -> dict[str, pa.Table]:
    count = _PART_ROWS
    files = count // _VIDEO_ROWS if kind == VIDEO else count
    folders = np.sort(random.zipf(1.3, files) % _FOLDERS).astype(str)
    folder = np.char.add("/archive/", folders)
    ending = ".mp4" if kind == VIDEO else ".jpg"
    path = np.char.add(
        np.char.add(folder, f"/{part:05}-"), np.char.add(np.arange(files).astype(str), ending)
    )
    moment = _FIRST + (random.random(files) * (_LAST - _FIRST).astype(int)).astype("m8[s]")
    each = count // files
    probabilities = random.dirichlet(np.array(_SHARES) * 4, count).astype(np.float32)
    confidence = probabilities.max(axis=1)
    verdicts = np.array([*FER7.labels, UNCERTAIN])
    verdict = np.where(confidence >= DEFAULT_THRESHOLD, probabilities.argmax(axis=1), 7)
    number = np.arange(count) % each
    boxes = random.random((2, count), np.float32) * 900
    faces: dict[str, Any] = {
        "path": path.repeat(each),
        "folder": folder.repeat(each),
        "moment": moment.repeat(each).astype("datetime64[us]"),
        "face": np.ones(count, np.int32),
        "x1": boxes[0],
        "y1": boxes[1],
        "x2": boxes[0] + 100,
        "y2": boxes[1] + 120,
        "score": random.random(count, np.float32),
        "verdict": verdicts[verdict],
        "confidence": confidence,
        **{label: probabilities[:, k] for k, label in enumerate(FER7.labels)},
    }
    if kind == VIDEO:
        faces |= {"frame": number // 2 * 5, "seconds": number // 2 / 5, "person": number % 2 + 1}
        faces |= {f"{label}_smoothed": probabilities[:, k] for k, label in enumerate(FER7.labels)}
    rows: dict[str, Any] = {
        "path": path,
        "folder": folder,
        "status": np.full(files, "read"),
        "bytes": np.full(files, 1_000_000),
        "modified": moment.astype("datetime64[us]"),
        "width": np.full(files, 1000),
        "height": np.full(files, 1000),
        "turned_deg": np.zeros(files),
        "faces": np.full(files, each),
        "persons": np.full(files, 2 if kind == VIDEO else 0),
        "seconds": np.full(files, each / 10 if kind == VIDEO else np.nan),
    }
    schemas = dataset.schemas()
    return {FACES: table_of(faces, schemas[FACES]), FILES: table_of(rows, schemas[FILES])}


def measured(folder: str) -> Iterator[Goal]:
    """Open a data set, set each filter, and tell how long that takes."""
    before_mb = _peak_mb()
    began = time.perf_counter()
    index = open_index(folder)
    opening_s = time.perf_counter() - began
    print(f"  opened in {opening_s:.1f} s; {_peak_mb() - before_mb:.0f} MB more at most")
    whole = Selection()
    first = Selection(first=date(2010, 3, 1), last=date(2010, 4, 15))
    for what, selection, order in (
        ("all photos", whole, "stored"),
        ("one emotion", Selection(verdicts=("fear",)), "stored"),
        ("confidence of 80 % and more", Selection(least=80), "stored"),
        ("confidence of 30 % and less", Selection(most=30), "unsure"),
        ("six weeks", first, "old"),
        ("folders by name", Selection(folder="1234"), "new"),
        ("videos", Selection(VIDEO), "stored"),
        (
            "videos, two emotions, confidence, folder and years",
            Selection(VIDEO, ("happy", "sad"), 40, 90, "12", date(2008, 1, 1), date(2019, 12, 31)),
            "sure",
        ),
        *(
            (f"order: {title.lower()}", Selection(most=95 - 5 * n), key)
            for n, (key, (title, _)) in enumerate(ORDERS.items())
        ),
    ):
        yield _goal(what, lambda s=selection, o=order: _ask(index, s, o, 0))
    last = (MOST_PAGES - 1) * PER_PAGE
    yield _goal("the last page, newest first", lambda: _ask(index, whole, "new", last))
    yield _goal("a video's persons", lambda: _ask_persons(index))
    yield _goal(
        f"{MOST_ROWS:,} rows as CSV (not a filter)",
        lambda: content_of(index, whole, "csv"),
        10.0,
    )
    app = _page(folder)
    slider = app.slider(key=f"{CONFIDENCE}-0").set_value((55, 100))
    yield _goal("the whole page with a new filter, of files that are gone", slider.run)
    if app.exception or app.error:
        raise RuntimeError(f"The page failed: {app.exception} {app.error}")
    print(f"  {_peak_mb() - before_mb:.0f} MB more at most in all")


def _page(folder: str) -> AppTest:
    """Return the page, drawn once with the data set open."""
    os.environ[ARCHIVE_VARIABLE] = folder
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.switch_page("pages/6_Archive.py")
    while not app.run().get("plotly_chart"):
        time.sleep(0.5)
    return app


def _ask(index: Index, selection: Selection, order: str, start: int) -> None:
    """Ask what the page asks, and read the rows of its faces."""
    days_of(index, selection)
    folders_of(index, selection, MOST_FOLDERS)
    shown_of(index, selection)
    face_rows(index, numbers_of(index, selection, order, start, PER_PAGE))


def _ask_persons(index: Index) -> None:
    video = videos_of(index, Selection(VIDEO), MOST_VIDEOS)[0]
    persons_of(index, video_rows(index, video.part, video.path))


def _goal(what: str, ask: Callable[[], object], most_s: float = MAX_S) -> Goal:
    began = time.perf_counter()
    ask()
    spent_s = time.perf_counter() - began
    return Goal(what, f"{spent_s:.2f} s", f"≤ {most_s:g} s", spent_s <= most_s)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    raise SystemExit(main())
