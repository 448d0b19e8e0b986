"""Many visitors at once on the photo page: ``python -m benchmarks.visitors``.

Each visitor uploads a photo every few seconds and waits for its faces. What is measured is how
long that takes, what goes wrong, and what the server holds before, meanwhile and after. The
visitors speak Streamlit's protocol and share this machine's cores with the server.

``--replicas 2`` has two processes share the machine, behind Caddy as deploy/ sets it up. With
``--visit`` visitors close the page after so many photos and come anew, as for hours on end: the
memory must then be flat. A soak test of half an hour is ``--visit 24 --minutes 30``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from benchmarks.page_session import FAULTS, PageSession, Run, page_session
from benchmarks.replicas import Replicas, running_replicas
from benchmarks.server import (
    MAX_MEMORY_GROWTH,
    Server,
    add_wait,
    most_of,
    report_goals,
    report_usage,
    wait_after_close,
)
from benchmarks.startup import ROOT
from benchmarks.timing import machine

# Of one process, and of several.
MAX_P95_S, MAX_REPLICAS_P95_S = 3.0, 2.0
_MEGAPIXELS = (1, 3, 12)
# Grey levels. Without it, an enlarged picture would take less time to decode than a camera's.
_GRAIN = 8.0
_SEED = 0


@dataclass(frozen=True, slots=True)
class Photo:
    """A file to upload.

    Attributes:
        megapixels: Its size.
        jpeg: Its content.
    """

    megapixels: int
    jpeg: bytes

    def unlike(self, mark: str) -> bytes:
        """Return the file with a comment in it, so that no two are the same."""
        comment = mark.encode()
        return (
            self.jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + self.jpeg[2:]
        )


@dataclass(slots=True)
class Visits:
    """What all visitors saw; lists are only added to, from any thread.

    Attributes:
        seconds: From the beginning of each upload to the end of the script that showed a face.
        faults: What went wrong, sentences.
    """

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main() -> int:
    """Measure, print tables, and return 1 when a goal is missed."""
    options = _parser().parse_args()
    photos = sample_photos()
    sizes = (f"{photo.megapixels} ({len(photo.jpeg) / 1e6:.1f} MB)" for photo in photos[::2])
    print(f"{machine()}")
    print(f"Portraits with grain, as JPEG; megapixels: {', '.join(sizes)}")
    visits = Visits()
    try:
        with running_replicas(options.replicas) as server:
            print(*{_warm_up(one, photos) for one in server.servers}, sep="\n")
            if options.replicas > 1:
                way = "behind Caddy" if server.proxy else "with visitors sent to them in turn"
                print(f"{options.replicas} processes, {way}")
            wait_after_close(options.wait)
            before, cpu_s, own_cpu_s = server.usage(), server.cpu_s(), time.process_time()
            print(f"{options.visitors} visitors come …", flush=True)
            with server.watched() as seen:
                elapsed_s = _visit(server, photos, options, visits)
            cores = (server.cpu_s() - cpu_s) / elapsed_s
            own_cores = (time.process_time() - own_cpu_s) / elapsed_s
            wait_after_close(options.wait)
            after = server.usage()
            visits.faults += (f"In the server's log: {line}" for line in server.traces())
    except FAULTS as error:
        report_goals([f"It ended early: {error or type(error).__name__}."], visits.faults)
        return 1
    print(f"The server took {cores:.2f} cores, the visitors {own_cores:.2f}.")
    missed = _report_visits(options, visits)
    missed += report_usage(before, most_of(seen), after, options.wait)
    if options.visit:
        missed += _report_flatness([usage.memory_mb for usage in seen])
    missed = report_goals(missed, visits.faults)
    if options.json is not None:
        record = {
            "visitors": options.visitors,
            "every_s": options.every,
            "minutes": options.minutes,
            "replicas": options.replicas,
            "seconds": visits.seconds,
            "faults": visits.faults,
            "server_cores": cores,
            "before": asdict(before),
            "most": asdict(most_of(seen)),
            "memory_mb": [round(usage.memory_mb) for usage in seen],
            "after": asdict(after),
            "missed": missed,
        }
        options.json.write_text(json.dumps(record, indent=2), encoding="utf-8")
    return 1 if missed else 0


def sample_photos() -> list[Photo]:
    """Return the sample portraits in several sizes, enlarged and with grain."""
    noise = np.random.default_rng(_SEED)
    photos = []
    for megapixels in _MEGAPIXELS:
        for path in sorted((ROOT / "assets" / "samples").glob("*.jpg")):
            image = cv2.imread(str(path))
            scale = (megapixels * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            grain = noise.normal(0, _GRAIN, image.shape).astype(np.float32)
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
            _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
            photos.append(Photo(megapixels, jpeg.tobytes()))
    return photos


def _warm_up(server: Server, photos: Sequence[Photo]) -> str:
    """Come and go as one visitor, so that models are loaded and pools are filled.

    Returns:
        The page's line on the detector and the network in use.

    Raises:
        RuntimeError: No face is read.
    """
    with page_session(server.address) as session:
        texts = [text.body for text in session.open("Photo").all("markdown")]
        for number, photo in enumerate(photos):
            name = f"first-{number}.jpg"
            fault = fault_in(session.upload(name, photo.jpeg), name)
            if fault:
                raise RuntimeError(fault)
    return next((text for text in texts if text.startswith("Active: ")), "").replace("*", "")


def _visit(
    server: Replicas, photos: Sequence[Photo], options: argparse.Namespace, visits: Visits
) -> float:
    """Let all visitors come, and return how long they stayed, in seconds."""
    came = time.monotonic()
    ends = came + 60 * options.minutes
    threads = [
        threading.Thread(
            target=_visitor,
            args=(number, server.address_for(number), photos, options, ends, visits),
            name=f"visitor {number}",
        )
        for number in range(options.visitors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - came


def _visitor(
    number: int,
    address: str,
    photos: Sequence[Photo],
    options: argparse.Namespace,
    ends: float,
    visits: Visits,
) -> None:
    """Upload photos until the time is over; who is late does not catch up."""
    chance = random.Random(_SEED + number)
    due = time.monotonic() + chance.uniform(0, options.every)
    names = (f"visitor-{number}-photo-{count}.jpg" for count in itertools.count())
    try:
        _sleep_until(due)
        while due < ends:
            with page_session(address) as session:
                visits.faults += session.open("Photo").faults
                seen: set[str] = set()
                for name in itertools.islice(names, options.visit or None):
                    due = max(due, time.monotonic())
                    if due >= ends:
                        break
                    _sleep_until(due)
                    content = chance.choice(photos).unlike(name)
                    began = time.monotonic()
                    run = session.upload(name, content)
                    visits.seconds.append(time.monotonic() - began)
                    fault = fault_in(run, name)
                    if fault:
                        visits.faults.append(fault)
                    _look(session, run, seen)
                    due += options.every
    except FAULTS as error:
        visits.faults.append(f"Visitor {number} had to leave: {error or type(error).__name__}")


def fault_in(run: Run, name: str) -> str:
    """Return what is wrong with a page that should show a photo's face, a sentence; or ""."""
    if run.faults:
        return f"{name}: {' '.join(run.faults)}"
    # Names come escaped, since they are no Markdown.
    texts = [text.body.replace("\\", "") for text in run.all("markdown")]
    if not any(name in text for text in texts) or not any("**Face 1**" in t for t in texts):
        return f"{name}: no face is shown."
    return ""


def _look(session: PageSession, run: Run, seen: set[str]) -> None:
    """Fetch the pictures of a page that were not fetched before, as a browser does."""
    for images in run.all("imgs"):
        for image in images.imgs:
            if image.url not in seen:
                seen.add(image.url)
                session.look_at(image.url)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _report_visits(options: argparse.Namespace, visits: Visits) -> list[str]:
    """Print a table of what visitors saw; return the goals that are missed, sentences."""
    p95_s = percentile(visits.seconds, 95)
    most_s = MAX_P95_S if options.replicas == 1 else MAX_REPLICAS_P95_S
    print(f"\n| {options.visitors} visitors, a photo every {options.every:g} s, ", end="")
    print(f"{options.minutes:g} minutes | | goal |\n|---|---:|---:|")
    print(f"| photos | {len(visits.seconds):,} | |")
    print(f"| seconds to the face, median | {percentile(visits.seconds, 50):.2f} | |")
    print(f"| 95th percentile | {p95_s:.2f} | {most_s:.2f} |")
    print(f"| longest | {max(visits.seconds, default=float('nan')):.2f} | |")
    print(f"| errors | {len(visits.faults)} | 0 |")
    missed = []
    if not p95_s <= most_s:
        missed.append(f"The 95th percentile is {p95_s:.2f} s, above {most_s:g} s.")
    return missed


def _report_flatness(memory_mb: Sequence[float]) -> list[str]:
    """Print whether memory grew while visitors came and went; return the goal if it is missed.

    In the third quarter of the time the first visitors' pages have been given up, and as many are
    open as in the last.
    """
    quarter = max(1, len(memory_mb) // 4)
    earlier, later = (
        statistics.fmean(memory_mb[a:b] or memory_mb)
        for a, b in ((-2 * quarter, -quarter), (-quarter, None))
    )
    bound = earlier * (1 + MAX_MEMORY_GROWTH)
    print(f"Memory, mean of the third quarter {earlier:,.0f} MB, of the last {later:,.0f} MB.")
    return [] if later <= bound else [f"Memory grew to {later:,.0f} MB, above {bound:,.0f} MB."]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile; NaN of nothing."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.visitors", description=__doc__)
    parser.add_argument("--visitors", type=int, default=20, help="default %(default)s")
    parser.add_argument("--every", type=float, default=5.0, help="seconds, default %(default)s")
    parser.add_argument("--minutes", type=float, default=5.0, help="default %(default)s")
    parser.add_argument("--replicas", type=int, default=1, help="processes, default %(default)s")
    parser.add_argument(
        "--visit",
        type=int,
        default=0,
        metavar="PHOTOS",
        help="close the page after so many photos and come anew; 0, the default: stay",
    )
    add_wait(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
