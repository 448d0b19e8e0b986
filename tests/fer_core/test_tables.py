"""Tables, summary, captions and strongest moments of a time line."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from fer_core.labels import FER6, FER7, UNCERTAIN
from fer_core.tables import (
    captions_vtt,
    emotion_band,
    strongest_moments,
    summary_record,
    table_to_csv,
    table_to_parquet,
    timeline_table,
)
from fer_core.timeline import Timeline, TimelineBuilder
from tests.properties import quick, thresholds, time_constants_s, timelines

NAMES = {1: 'Zoë, "die\nErste"', 2: "李 <小> & Ko"}
COLUMNS = [
    *("frame", "seconds", "person", "name", "x1", "y1", "x2", "y2"),
    *("score", "verdict", "confidence", *FER7.labels),
    *(f"{label}_smoothed" for label in FER7.labels),
]


def timeline(frames: Sequence[tuple[float, dict[int, int]]], seed: int = 0) -> Timeline:
    """Frames as (time, {person: position of the emotion that leads})."""
    faces = [(n, *face) for n, (_, found) in enumerate(frames) for face in found.items()]
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(7), len(faces)) * 0.2
    for row, (_, _, leader) in zip(probabilities, faces, strict=True):
        row[leader] += 0.8
    return Timeline(
        FER7.labels,
        np.arange(len(frames)) * 3,
        np.array([time_s for time_s, _ in frames], float),
        np.array([n % 40 == 20 for n in range(len(frames))], bool),
        np.array([face[0] for face in faces], np.int64),
        np.array([face[1] for face in faces], np.int64),
        rng.uniform(0, 2000, (len(faces), 4)).astype(np.float32),
        rng.uniform(0, 1, len(faces)).astype(np.float32),
        probabilities.astype(np.float32),
    )


@pytest.fixture
def two() -> Timeline:
    """Two persons at uneven times; in some frames one of them, or nobody."""
    rng = np.random.default_rng(3)
    times_s = np.cumsum(rng.uniform(0.02, 0.3, 90))
    frames = [
        (t, {person: int(rng.integers(7)) for person in (2, 1) if rng.random() < 0.6})
        for t in times_s
    ]
    return timeline(frames)


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def cues(vtt: str) -> list[tuple[float, float, str]]:
    """Read WebVTT strictly, as the standard has it."""
    head, *blocks = vtt.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        timing, text = block.split("\n")
        match = re.fullmatch(r"(\d{2,}:\d\d:\d\d\.\d{3}) --> (\d{2,}:\d\d:\d\d\.\d{3})", timing)
        assert match, timing
        begin_s, end_s = map(seconds, match.groups())
        assert begin_s < end_s
        assert "-->" not in text
        assert not re.search(r"<|&(?!amp;|lt;|gt;)", text)
        found.append((begin_s, end_s, html.unescape(text)))
    assert [cue[0] for cue in found] == sorted(cue[0] for cue in found)
    return found


def test_a_row_for_each_frame_and_person(two: Timeline) -> None:
    smoothed, verdicts = two.smoothed(0.4, 0.4)
    table = timeline_table(two, smoothed, verdicts, NAMES)
    assert list(table.columns) == COLUMNS
    assert table["seconds"].is_monotonic_increasing
    assert set(table["frame"]) == set(two.frame_index)
    empty = table[table["person"].isna()]
    assert len(table) == len(two.row) + len(empty)
    assert len(empty) == len(two.time_s) - len(set(two.row.tolist())) > 5
    assert empty.drop(columns=["frame", "seconds"]).isna().all(axis=None)
    seen = table[table["person"].notna()]
    assert seen["person"].tolist() == two.person.tolist()
    assert seen["frame"].tolist() == two.frame_index[two.row].tolist()
    assert seen["seconds"].tolist() == two.time_s[two.row].tolist()
    assert set(seen["name"]) == {'Zoë, "die Erste"', "李 <小> & Ko"}
    assert seen["verdict"].tolist() == verdicts.tolist()
    # float64 holds every float32 exactly: nothing is rounded.
    assert (seen[list(FER7.labels)].to_numpy() == two.probabilities).all()
    assert (seen[COLUMNS[-7:]].to_numpy() == smoothed).all()
    assert (seen[["x1", "y1", "x2", "y2"]].to_numpy() == two.boxes_xyxy).all()
    assert (seen["score"].to_numpy() == two.score).all()


def test_names_are_no_formulas_in_csv(two: Timeline) -> None:
    names = {1: "=HYPERLINK(A1)", 2: "-1"}
    table = timeline_table(two, *two.smoothed(0.4, 0.4), names)
    before = table.copy()
    rows = list(csv.DictReader(io.StringIO(table_to_csv(table).decode())))
    assert {row["name"] for row in rows} == {"", "'=HYPERLINK(A1)", "'-1"}
    assert {row["verdict"] for row in rows} <= {"", *FER7.labels, UNCERTAIN}
    pd.testing.assert_frame_equal(table, before)
    from_parquet = pd.read_parquet(io.BytesIO(table_to_parquet(table)))
    assert set(from_parquet["name"].dropna()) == set(names.values())


def test_verdicts_agree_with_the_probabilities_beside_them(two: Timeline) -> None:
    table = timeline_table(two, *two.smoothed(0.4, 0.5))
    seen = table[table["person"].notna()]
    smoothed = seen[COLUMNS[-7:]].to_numpy()
    assert (seen["confidence"] == smoothed.max(axis=1)).all()
    leaders = np.array(FER7.labels)[smoothed.argmax(axis=1)]
    assert (seen["verdict"] == np.where(seen["confidence"] >= 0.5, leaders, UNCERTAIN)).all()
    assert set(seen["verdict"]) > {UNCERTAIN}
    assert table["confidence"].isna().equals(table["person"].isna())


def read_csv(data: bytes) -> pd.DataFrame:
    """Read numbers to their last digit, which pandas by itself need not do."""
    table = pd.read_csv(io.BytesIO(data), dtype="str")
    kinds = {"frame": "int64", "person": "Int64", "name": "str", "verdict": "str"}
    for column in table.columns.difference(list(kinds)):
        table[column] = [float(text) for text in table[column].fillna("nan")]
    return table.astype(kinds | dict.fromkeys(table.columns.difference(list(kinds)), "float64"))


def test_csv_parquet_and_json_agree(two: Timeline) -> None:
    smoothed, verdicts = two.smoothed(0.4, 0.4)
    table = timeline_table(two, smoothed, verdicts, NAMES)
    from_csv = read_csv(table_to_csv(table))
    from_parquet = pd.read_parquet(io.BytesIO(table_to_parquet(table)))
    pd.testing.assert_frame_equal(from_parquet, table, check_exact=True)
    pd.testing.assert_frame_equal(from_csv, table, check_exact=True)

    summary = json.loads(json.dumps(summary_record(two, smoothed, verdicts, names=NAMES)))
    assert summary["frames_analyzed"] == from_csv["frame"].nunique()
    assert summary["frames_without_faces"] == from_csv["person"].isna().sum()
    times_s = from_csv.drop_duplicates("frame").set_index("frame")["seconds"]
    spacing_s = [*np.diff(times_s), np.median(np.diff(times_s))]
    hold_s = dict(zip(times_s.index, spacing_s, strict=True))
    for record in summary["persons"]:
        own = from_csv[from_csv["person"] == record["person"]]
        weights = own["frame"].map(hold_s)
        assert record["name"] == own["name"].iloc[0]
        assert record["frames"] == len(own)
        assert (record["first_s"], record["last_s"]) == (
            own["seconds"].iloc[0],
            own["seconds"].iloc[-1],
        )
        assert record["seconds_seen"] == pytest.approx(weights.sum(), rel=1e-12)
        for verdict, share in record["share"].items():
            part = weights[own["verdict"] == verdict].sum() / weights.sum()
            assert share == pytest.approx(part, rel=1e-12)
        for label, mean in record["mean_probabilities"].items():
            weighted = np.average(own[f"{label}_smoothed"], weights=weights)
            assert mean == pytest.approx(weighted, rel=1e-6)
        for moment in record["strongest_moments"]:
            row = own[own["frame"] == moment["frame"]].iloc[0]
            assert row["seconds"] == moment["seconds"]
            assert row[f"{moment['label']}_smoothed"] == moment["probability"]


@pytest.mark.parametrize("frames", [(), ((0.0, {}), (0.1, {}))])
def test_without_faces(frames: tuple[tuple[float, dict[int, int]], ...]) -> None:
    nobody = timeline(frames)
    smoothed, verdicts = nobody.smoothed(0.4, 0.4)
    table = timeline_table(nobody, smoothed, verdicts)
    assert list(table.columns) == COLUMNS
    full = timeline([(0.0, {1: 3})])
    kinds = timeline_table(full, *full.smoothed(0.4, 0.4)).dtypes
    assert table.dtypes.equals(kinds)
    assert len(table) == len(frames)
    from_csv = read_csv(table_to_csv(table))
    assert (list(from_csv.columns), len(from_csv)) == (COLUMNS, len(frames))
    assert from_csv["person"].isna().all()
    from_parquet = pd.read_parquet(io.BytesIO(table_to_parquet(table)))
    pd.testing.assert_frame_equal(from_parquet, table)
    summary = json.loads(json.dumps(summary_record(nobody, smoothed, verdicts)))
    assert summary["frames_analyzed"] == summary["frames_without_faces"] == len(frames)
    assert summary["persons"] == []
    assert cues(captions_vtt(nobody, verdicts)) == []
    assert strongest_moments(nobody, smoothed, 1) == []


def test_six_classes_have_six_columns_twice() -> None:
    nobody = TimelineBuilder(FER6.labels).build()
    columns = timeline_table(nobody, *nobody.smoothed(0.4, 0.4)).columns
    assert len(columns) == len(COLUMNS) - 2
    assert not {"disgust", "disgust_smoothed"} & set(columns)


def test_summary_weighs_by_time() -> None:
    """Happy in one frame for 0.9 s, sad in three for 0.3 s together."""
    uneven = timeline([(0.0, {1: 3}), (0.9, {1: 4}), (1.0, {1: 4}), (1.1, {1: 4}), (1.2, {})])
    summary = summary_record(uneven, *uneven.smoothed(0.0, 0.4), facts={"codec": "h264"})
    person = summary["persons"][0]
    assert person["share"]["happy"] == pytest.approx(0.75)
    assert person["share"]["sad"] == pytest.approx(0.25)
    assert sum(person["share"].values()) == pytest.approx(1)
    assert list(person["share"]) == [*FER7.labels, UNCERTAIN]
    assert person["seconds_seen"] == pytest.approx(1.2)
    assert summary["seconds_analyzed"] == pytest.approx(1.3)
    assert summary["video"] == {"codec": "h264"}


def test_a_standstill_counts_for_a_second() -> None:
    stalled = timeline([(0.0, {1: 3}), (0.1, {1: 3}), (60.1, {1: 4}), (60.2, {1: 4})])
    summary = summary_record(stalled, *stalled.smoothed(0.0, 0.4))
    assert summary["persons"][0]["seconds_seen"] == pytest.approx(1.3)


def test_sparse_frames_count_in_full() -> None:
    sparse = timeline([(2.0 * k, {1: 3}) for k in range(5)])
    assert summary_record(sparse, *sparse.smoothed(0.4, 0.4))["seconds_analyzed"] == 10.0


def test_cuts_are_listed(two: Timeline) -> None:
    summary = summary_record(two, *two.smoothed(0.4, 0.4))
    assert summary["cuts"] == two.time_s[[20, 60]].tolist()


def test_a_single_frame() -> None:
    single = timeline([(4.0, {1: 3})])
    smoothed, verdicts = single.smoothed(0.4, 0.4)
    person = summary_record(single, smoothed, verdicts)["persons"][0]
    assert (person["seconds_seen"], person["share"]["happy"]) == (0.0, 1.0)
    assert cues(captions_vtt(single, verdicts)) == [(4.0, 4.001, "1: happy")]


def test_captions_are_spans_of_one_verdict(two: Timeline) -> None:
    verdicts = two.smoothed(0.4, 0.4)[1]
    found = cues(captions_vtt(two, verdicts, NAMES))
    for name in ('Zoë, "die Erste"', "李 <小> & Ko"):
        own = [cue for cue in found if cue[2].startswith(f"{name}: ")]
        assert len(own) > 3
        for (_, end_s, said), (begin_s, _, then) in pairwise(own):
            assert begin_s >= end_s
            assert said != then or begin_s - end_s > 1


def test_short_captions_say_what_follows_too() -> None:
    happy, sad = 3, 4

    def spoken(leaders: list[int]) -> list[tuple[float, float, str]]:
        frames = timeline([(k / 10, {1: leader}) for k, leader in enumerate(leaders)])
        return cues(captions_vtt(frames, frames.smoothed(0.0, 0.4)[1]))

    assert spoken([happy] * 10 + [sad] * 2 + [happy] * 10) == [
        (0.0, 1.0, "1: happy"),
        (1.0, 1.5, "1: sad → happy"),
        (1.5, 2.2, "1: happy"),
    ]
    assert spoken([sad] * 2 + [happy] * 5) == [(0.0, 0.7, "1: sad → happy")]
    assert spoken([happy, sad] * 3 + [happy] * 8) == [
        (0.0, 0.5, "1: happy → sad → happy → sad → happy"),
        (0.5, 1.4, "1: sad → happy"),
    ]
    assert spoken([happy] * 10 + [sad] * 10) == [(0.0, 1.0, "1: happy"), (1.0, 2.0, "1: sad")]
    assert spoken([happy, sad]) == [(0.0, 0.2, "1: happy → sad")]
    assert spoken([happy] * 10 + [sad]) == [(0.0, 1.0, "1: happy"), (1.0, 1.1, "1: sad")]


def test_captions_stop_while_nobody_is_there() -> None:
    frames = [(k / 10, {1: 3} if k < 10 or k >= 30 else {}) for k in range(40)]
    away = timeline(frames)
    found = cues(captions_vtt(away, away.smoothed(0.4, 0.4)[1]))
    assert found == [(0.0, 1.0, "1: happy"), (3.0, 4.0, "1: happy")]


def test_captions_of_a_part_begin_with_it() -> None:
    late = timeline([(3700.0 + k, {1: 3}) for k in range(3)])
    verdicts = late.smoothed(0.4, 0.4)[1]
    assert cues(captions_vtt(late, verdicts)) == [(3700.0, 3703.0, "1: happy")]
    assert cues(captions_vtt(late, verdicts, start_s=3700.0)) == [(0.0, 3.0, "1: happy")]
    assert "01:01:40.000 --> 01:01:43.000" in captions_vtt(late, verdicts)


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "a --> b", "x\n\n00:00:00.000 --> 00:00:09.000\ny", "&lt;"],
)
def test_names_cannot_break_captions(name: str) -> None:
    frames = timeline([(k / 10, {1: 3}) for k in range(20)])
    found = cues(captions_vtt(frames, frames.smoothed(0.4, 0.4)[1], {1: name}))
    assert found == [(0.0, 2.0, f"{' '.join(name.split())}: happy")]


def test_strongest_moments_show_each_emotion_first() -> None:
    leaders = [6] * 60 + [3] * 5 + [6] * 60 + [4] * 3
    mostly_neutral = timeline([(k / 10, {1: leader}) for k, leader in enumerate(leaders)])
    smoothed, _ = mostly_neutral.smoothed(0.0, 0.4)
    found = strongest_moments(mostly_neutral, smoothed, 1)
    assert {label for _, label, _ in found} == {"neutral", "happy", "sad"}
    assert len(found) == 5
    heights = [probability for _, _, probability in found]
    assert heights == sorted(heights, reverse=True)
    for n, label, probability in found:
        assert probability == smoothed[n].max() == smoothed[n, FER7.labels.index(label)]
    times_s = sorted(mostly_neutral.time_s[mostly_neutral.row[n]] for n, _, _ in found)
    assert min(b - a for a, b in pairwise(times_s)) >= 1.0


@pytest.mark.parametrize(("count", "apart_s", "expected"), [(1, 1.0, 1), (9, 1.0, 4), (9, 2.5, 2)])
def test_moments_lie_apart(count: int, apart_s: float, expected: int) -> None:
    steady = timeline([(k / 10, {1: 3, 2: 4}) for k in range(40)])
    smoothed, _ = steady.smoothed(10.0, 0.4)
    found = strongest_moments(steady, smoothed, 2, count=count, apart_s=apart_s)
    assert 1 <= len(found) <= expected
    assert {steady.person[n] for n, _, _ in found} == {2}
    assert {label for _, label, _ in found} == {"sad"}


def test_weak_moments_are_none() -> None:
    flat = timeline([(0.0, {1: 3})])
    smoothed = np.full((1, 7), 1 / 7, np.float32)
    assert strongest_moments(flat, smoothed, 1) == []
    assert len(strongest_moments(flat, smoothed, 1, threshold=0.1)) == 1
    for threshold, expected in ((0.4, 0), (0.1, 1)):
        summary = summary_record(flat, smoothed, np.array([UNCERTAIN]), threshold=threshold)
        assert len(summary["persons"][0]["strongest_moments"]) == expected


@quick
@given(timelines(), time_constants_s, thresholds)
def test_tables_and_sums_hold_for_any_time_line(
    any_line: Timeline, time_constant_s: float, threshold: float
) -> None:
    smoothed, verdicts = any_line.smoothed(time_constant_s, threshold)
    table = timeline_table(any_line, smoothed, verdicts)
    empty = len(set(range(len(any_line.time_s))) - set(any_line.row.tolist()))
    assert len(table) == len(any_line.row) + empty
    assert table["seconds"].is_monotonic_increasing and set(table["frame"]) == set(
        any_line.frame_index
    )
    summary = summary_record(any_line, smoothed, verdicts, threshold=threshold)
    assert (summary["frames_analyzed"], summary["frames_without_faces"]) == (
        len(any_line.time_s),
        empty,
    )
    assert sum(person["frames"] for person in summary["persons"]) == len(any_line.row)
    for person in summary["persons"]:
        assert sum(person["share"].values()) == pytest.approx(1)
        assert sum(person["mean_probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert 0 <= person["seconds_seen"] <= summary["seconds_analyzed"] + 1e-9
        assert person["first_s"] <= person["last_s"]
        assert all(moment["probability"] >= threshold for moment in person["strongest_moments"])


@quick
@given(timelines(), thresholds)
def test_captions_say_every_change_of_everybody(any_line: Timeline, threshold: float) -> None:
    verdicts = any_line.smoothed(0.0, threshold)[1]
    found = cues(captions_vtt(any_line, verdicts))
    assert {text.partition(":")[0] for *_, text in found} == set(map(str, any_line.persons()))
    for person in any_line.persons():
        own = [cue for cue in found if cue[2].startswith(f"{person}: ")]
        said = [verdict for *_, text in own for verdict in text.partition(": ")[2].split(" → ")]
        read = verdicts[any_line.person == person].tolist()
        assert [verdict for verdict, _ in groupby(said)] == [
            verdict for verdict, _ in groupby(read)
        ]
        # A millisecond is the shortest that a cue can be.
        assert all(end_s <= begin_s + 2e-3 for (_, end_s, _), (begin_s, *_) in pairwise(own))


def test_a_band_has_what_was_read_and_no_more_columns_than_asked(two: Timeline) -> None:
    smoothed, verdicts = two.smoothed(0.4, 0.4)
    whole = emotion_band(two, smoothed, verdicts, 1)
    own = np.flatnonzero(two.person == 1)
    assert whole.begin_s.tolist() == two.time_s[two.row[own]].tolist()
    assert whole.verdicts.tolist() == verdicts[own].tolist()
    assert whole.probabilities == pytest.approx(smoothed[own], abs=1e-6)
    # A column ends where the next frame begins, whoever is in that.
    assert set(whole.end_s.tolist()[:-1]) <= set(two.time_s.tolist())
    few = emotion_band(two, smoothed, verdicts, 1, most=7)
    assert len(few.begin_s) == 7
    assert few.begin_s[0] == two.time_s[0] and (few.begin_s[1:] == few.end_s[:-1]).all()
    assert few.probabilities.sum(axis=1) == pytest.approx(np.ones(7))
    assert set(few.verdicts.tolist()) <= {*FER7.labels, UNCERTAIN}


def test_a_band_counts_time_and_leaves_gaps() -> None:
    happy, sad = FER7.labels.index("happy"), FER7.labels.index("sad")
    # Three frames of a column: happy for 0.1 s twice, sad for 0.6 s; then nobody for four seconds.
    found = timeline([(0.0, {1: happy}), (0.1, {1: happy}), (0.2, {1: sad}), (0.8, {}), (4.8, {}),
                      (5.0, {1: sad})])  # fmt: skip
    band = emotion_band(found, *found.smoothed(0, 0.4), 1, most=2)
    assert band.begin_s.tolist() == [0.0, 0.8] and band.verdicts.tolist() == ["sad", "sad"]
    assert band.end_s[0] == 0.8 and band.end_s[1] > 5.0
    assert band.probabilities[0, sad] > 0.6 > 0.25 > band.probabilities[0, happy] > 0.2
    spaced = emotion_band(found, *found.smoothed(0, 0.4), 1)
    assert spaced.begin_s.tolist() == [0.0, 0.1, 0.2, 5.0]
    assert spaced.end_s[2] == 0.8


def test_a_band_of_all_together_counts_each_face_alike() -> None:
    happy, sad = FER7.labels.index("happy"), FER7.labels.index("sad")
    found = timeline([(0.0, {1: happy, 2: happy, 3: sad}), (0.5, {}), (1.0, {3: sad})])
    smoothed, verdicts = found.smoothed(0, 0.4)
    band = emotion_band(found, smoothed, verdicts, None)
    assert band.begin_s.tolist() == [0.0, 1.0] and band.verdicts.tolist() == ["happy", "sad"]
    assert band.probabilities[0] == pytest.approx(smoothed[:3].mean(axis=0), abs=1e-6)


def test_a_band_of_nobody_and_of_a_single_frame() -> None:
    empty = timeline([])
    assert not len(emotion_band(empty, *empty.smoothed(0.4, 0.4), 1).begin_s)
    single = timeline([(2.0, {1: 3})])
    band = emotion_band(single, *single.smoothed(0.4, 0.4), 1)
    assert band.begin_s.tolist() == band.end_s.tolist() == [2.0]
    assert not len(emotion_band(single, *single.smoothed(0.4, 0.4), 2).begin_s)
