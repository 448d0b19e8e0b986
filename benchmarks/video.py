"""Speed and memory of the video analysis: ``python -m benchmarks.video VIDEO``.

Every measurement runs in a process of its own, so that its peak of memory is its own. The peer is
PyPI's ``fer`` with its defaults, in an environment under ``build/``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.startup import ROOT
from benchmarks.timing import machine

_PEER_ENVIRONMENT = ROOT / "build" / "peer-fer"
_PEER_PACKAGE = "fer==25.10.3"


@dataclass(frozen=True, slots=True)
class Measured:
    """One analysis.

    Attributes:
        frames: Analysed frames.
        seconds: Wall time, without imports and loading.
        with_face: Frames in which a face was found.
        peak_mib: Peak memory of the process, or None for the peer.
    """

    frames: int
    seconds: float
    with_face: int
    peak_mib: float | None = None

    @property
    def fps(self) -> float:
        """Frame a second."""
        return self.frames / self.seconds


def main() -> int:
    """Print all comparisons and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--rounds", type=int, default=3, help="default %(default)s")
    parser.add_argument("--minutes", type=float, default=10, help="of the long video")
    parser.add_argument("--no-peer", action="store_true", help="do not compare with fer")
    options = parser.parse_args()
    print(f"{options.video.name}, {machine()}")
    _compare_speed(options.video, options.rounds, peer=not options.no_peer)
    with tempfile.TemporaryDirectory() as folder:
        _compare_length(options.video, Path(folder), options.minutes)
    return 0


def _compare_speed(video: Path, rounds: int, *, peer: bool) -> None:
    """Print medians over rounds in which every way has its turn."""
    duration_s = _duration_s(video)
    ways: dict[str, Callable[[], Measured]] = {
        "YuNet": partial(_in_process, video, "yunet"),
        "YuNet, annotated video": partial(_in_process, video, "yunet", annotated=True),
        "Haar": partial(_in_process, video, "haar"),
    }
    if peer:
        python = _peer_python()
        ways[_PEER_PACKAGE] = partial(_run_peer, python, video)
    runs: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            runs[name].append(way())
    medians = {name: statistics.median(run.fps for run in runs[name]) for name in runs}
    print(f"\nEvery frame, medians of {rounds} runs in turn")
    print(f"  {'':<26}{'frames/s':>10}{'x real time':>13}{'x fer':>8}{'face found in':>15}")
    for name, fps in medians.items():
        run = runs[name][0]
        against = f"{fps / medians[_PEER_PACKAGE]:8.1f}" if peer else f"{'–':>8}"
        real_time = fps * duration_s / run.frames
        share = run.with_face / run.frames
        print(f"  {name:<26}{fps:10.1f}{real_time:13.1f}{against}{share:15.1%}")


def _compare_length(video: Path, folder: Path, minutes: float) -> None:
    """Print memory for one minute and for many, and what skipping frames saves."""
    short, long = folder / "short.mp4", folder / "long.mp4"
    loop_video(video, short, 60)
    loop_video(video, long, 60 * minutes)
    print(f"\nLength: the same video looped to 1 and to {minutes:g} minutes, YuNet")
    print(f"  {'':<34}{'frames':>8}{'seconds':>9}{'peak MiB':>10}")
    for name, run in {
        "1 minute, every frame": _in_process(short, "yunet"),
        f"{minutes:g} minutes, every frame": _in_process(long, "yunet"),
        f"{minutes:g} minutes, 1 frame a second": _in_process(long, "yunet", fps=1),
        "1 minute, annotated video": _in_process(short, "yunet", annotated=True),
        f"{minutes:g} minutes, annotated video": _in_process(long, "yunet", annotated=True),
    }.items():
        print(f"  {name:<34}{run.frames:8}{run.seconds:9.1f}{run.peak_mib:10.0f}")


def loop_video(video: Path, target: Path, seconds: float) -> None:
    """Repeat a video's coded frames until a length is reached, without coding them again."""
    import av

    with av.open(str(video)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        length = stream.duration
        times = [(packet.pts, packet.dts, packet.duration) for packet in packets]
        for round_ in range(max(1, round(seconds / float(length * stream.time_base)))):
            for packet, (pts, dts, duration) in zip(packets, times, strict=True):
                # Muxing has put the last round's into the units of the target.
                packet.stream, packet.time_base = copy, stream.time_base
                packet.pts, packet.dts = pts + round_ * length, dts + round_ * length
                packet.duration = duration
                out.mux(packet)


def _duration_s(video: Path) -> float:
    from fer_core.video.source import VideoSource

    with VideoSource(video) as source:
        assert source.facts.duration_s is not None
        return source.facts.duration_s


def _in_process(video: Path, detector: str, **options: float | bool) -> Measured:
    """Run one analysis in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_analyze, video, detector, **options).result()


def _analyze(
    video: Path, detector: str, fps: float | None = None, annotated: bool = False
) -> Measured:
    import numpy as np

    from fer_core.classifier import EmotionClassifier
    from fer_core.detection import load_detector
    from fer_core.labels import FER7
    from fer_core.video.analysis import VideoOptions, analyze_video

    classifier = EmotionClassifier.load(FER7.name)
    run = partial(
        analyze_video, video, classifier=classifier, make_detector=lambda: load_detector(detector)
    )
    run(options=VideoOptions(end_s=0.2))  # what is imported late is imported now
    with tempfile.TemporaryFile() as copy:
        began = time.perf_counter()
        result = run(options=VideoOptions(fps=fps), annotated=copy if annotated else None)
        seconds = time.perf_counter() - began
    if result.unwritten:
        raise RuntimeError(result.unwritten)
    timeline = result.timeline
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    frames, with_face = len(timeline.frame_index), len(np.unique(timeline.row))
    return Measured(frames, seconds, with_face, peak_mib)


def _peer_python() -> Path:
    """Install the peer if it is not there; return its environment's Python."""
    python = _PEER_ENVIRONMENT / "bin" / "python"
    stamp = _PEER_ENVIRONMENT / ".installed"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_PEER_ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", _PEER_PACKAGE], check=True)
        stamp.touch()
    return python


def _run_peer(python: Path, video: Path) -> Measured:
    script = Path(__file__).with_name("peer_fer.py")
    done = subprocess.run(
        [str(python), str(script), str(video)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    raise SystemExit(main())
