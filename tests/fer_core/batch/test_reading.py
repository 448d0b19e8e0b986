"""The reading of one input into rows: photos, videos, and what is neither."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fer_core.batch.inputs import find_inputs
from fer_core.batch.plan import AS_A_WHOLE, NO_PIECE, Input, PiecedVideo, VideoPiece
from fer_core.batch.reading import InputReader
from fer_core.batch.schema import errors_schema, faces_schema, files_schema
from fer_core.images import read_image
from fer_core.labels import FER7
from fer_core.pipeline import analyze_image
from tests.fer_core.batch.readers import SETTINGS
from tests.fer_core.conftest import encoded
from tests.fer_core.video.clips import make_clip

OF_THE_RUN = ("spent_s", "read_at", "tries")


@pytest.fixture(scope="module")
def reader() -> InputReader:
    return InputReader(SETTINGS)


@pytest.mark.parametrize("store", ["", "local://"])
def test_a_photo_has_the_rows_of_what_analyze_finds(
    reader: InputReader, portrait_file: Path, store: str
) -> None:
    (item,) = find_inputs([f"{store}{portrait_file}"])
    finding = reader.read(item)
    image = read_image(portrait_file).image_bgr
    (face,) = analyze_image(image).faces
    assert isinstance(finding.faces, list) and finding.error is None
    (row,) = pa.Table.from_pylist(finding.faces, faces_schema(FER7.labels)).to_pylist()
    assert [row["x1"], row["y1"], row["x2"], row["y2"]] == pytest.approx(face.box.xyxy)
    assert {label: row[label] for label in FER7.labels} == pytest.approx(dict(face.probabilities))
    assert (row["path"], row["face"], row["verdict"]) == (item.address, 1, face.verdict(0.45))
    assert row["folder"] == f"{store}{portrait_file.parent}"
    assert row["frame"] is None and row["person"] is None
    (file,) = pa.Table.from_pylist([finding.file], files_schema()).to_pylist()
    assert (file["status"], file["faces"], file["tries"]) == ("read", 1, 1)
    assert (file["width"], file["height"]) == (image.shape[1], image.shape[0])
    changed = datetime.fromtimestamp(portrait_file.stat().st_mtime, UTC)
    assert file["modified"] == pytest.approx(changed, abs=changed.resolution)
    assert row["moment"] == (file["taken"] or file["modified"].replace(tzinfo=None))


@pytest.mark.parametrize("store", ["", "local://"])
def test_a_video_has_a_row_for_each_face_of_each_frame(
    reader: InputReader, small_portrait: np.ndarray, tmp_path: Path, store: str
) -> None:
    pictures = [small_portrait, small_portrait, np.zeros_like(small_portrait)]
    clip = make_clip(tmp_path / "a.mp4", range(3), pictures=pictures, size_wh=(120, 144))
    assert clip.stat().st_size < io.DEFAULT_BUFFER_SIZE
    (item,) = find_inputs([f"{store}{clip}"])
    finding = reader.read(item)
    assert finding.file["reason"] is None
    table = finding.faces
    assert isinstance(table, pa.Table) and table.schema == faces_schema(FER7.labels)
    assert table["frame"].to_pylist() == [0, 1]
    assert table["face"].to_pylist() == table["person"].to_pylist() == [1, 1]
    smoothed = [table[f"{label}_smoothed"].to_numpy() for label in FER7.labels]
    assert table["confidence"].to_numpy() == pytest.approx(np.max(smoothed, axis=0))
    assert np.sum([table[label].to_numpy() for label in FER7.labels], axis=0) == pytest.approx(1)
    assert (finding.file["frames"], finding.file["faces"], finding.file["persons"]) == (3, 2, 1)


@pytest.mark.parametrize("store", ["", "local://"])
def test_a_video_in_pieces_has_the_same_rows(
    store: str,
    reader: InputReader,
    small_portrait: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("fer_core.video.pieces.LEAST_S", 0.2)
    pictures = [np.roll(small_portrait, 2 * n, axis=1) for n in range(9)]
    how = {"size_wh": (120, 144), "gop": 3, "time_base": Fraction(1, 15)}
    clip = make_clip(tmp_path / "a.mp4", range(9), pictures=pictures, **how)
    (item,) = find_inputs([f"{store}{clip}"])
    whole = reader.read(item)
    answers = [reader.read(VideoPiece(item, number, 5)) for number in range(5)]
    assert [answer == NO_PIECE for answer in answers] == [False, False, True, True, True]
    pieced = reader.read(PiecedVideo(item, tuple(answers)))
    told = [{k: v for k, v in one.file.items() if k not in OF_THE_RUN} for one in (whole, pieced)]
    assert told[0] == told[1] and told[0]["faces"] >= 8
    for name in whole.faces.column_names:
        wanted, got = (one.faces[name].to_pylist() for one in (whole, pieced))
        if isinstance(wanted[0], float):
            wanted = pytest.approx(wanted, abs=1e-6)
        assert got == wanted, name
    # What is wrong with a file is said by whoever reads all of it.
    clip.write_text("This is no video.")
    with caplog.at_level("DEBUG", "fer_core.batch.reading"):
        assert reader.read(VideoPiece(item, 0, 5)) == AS_A_WHOLE
    assert str(clip) in caplog.text and "UnreadableVideo" in caplog.text


def test_a_video_without_a_face(reader: InputReader, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", range(2), size_wh=(64, 64))
    finding = reader.read(Input(str(clip), "video"))
    assert isinstance(finding.faces, pa.Table) and finding.faces.num_rows == 0
    assert finding.file["frames"] == 2


def test_what_cannot_be_read_is_a_sentence(reader: InputReader, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    said = {}
    for name, kind in (("bad.jpg", "photo"), ("bad.mp4", "video"), ("absent.jpg", "photo")):
        finding = reader.read(Input(f"{tmp_path}/{name}", kind))
        assert finding.error is not None and finding.file["status"] == "failed"
        pa.Table.from_pylist([finding.error], errors_schema())
        assert finding.file["reason"] == finding.error["message"]
        assert finding.error["trace"] is None
        said[name] = finding.error["error"], finding.error["message"]
    assert said["bad.jpg"] == (
        "UnreadableImage",
        "The file is not a picture in a format that can be read.",
    )
    assert said["bad.mp4"][0] == "UnreadableVideo"
    assert said["absent.jpg"][1].startswith("The file cannot be read: No such file")


def test_what_nobody_foresaw_leaves_its_trace(
    reader: InputReader, portrait_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.batch.reading.analyze_image", lambda *_, **__: 1 // 0)
    finding = reader.read(Input(str(portrait_file), "photo"))
    assert finding.error is not None and "ZeroDivisionError" in finding.error["message"]
    assert "analyze_image" in finding.error["trace"]


def test_what_is_known_before_is_not_opened(reader: InputReader) -> None:
    skipped = reader.read(Input("a", "photo", 1, 1, "skipped", "Why."))
    assert (skipped.file["status"], skipped.file["reason"]) == ("skipped", "Why.")
    assert skipped.error is None
    failed = reader.read(Input("a", "photo", 1, 1, "failed", "Why.", "PermissionError"))
    assert failed.error is not None and failed.file["reason"] == "Why."
    assert failed.error["error"] == "PermissionError"


def test_photos_of_which_the_end_is_missing_are_read_and_said(
    reader: InputReader, small_portrait: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(small_portrait, "JPEG")[:-200])
    finding = reader.read(Input(f"{tmp_path}/a.jpg", "photo"))
    assert finding.file["damage"] == "The end of the file is missing."
    assert finding.file["status"] == "read"
