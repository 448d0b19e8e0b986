"""YuNet in both runtimes: they find the same, and one serves where the other cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.errors import DetectorUnavailable
from fer_core.images import read_image
from fer_core.yunet import (
    _FIXED_SIZES,
    OnnxYuNet,
    OpenCvYuNet,
    _decoded,
    _varint,
    _without_fields,
    _without_overlaps,
    give_memory_back,
    load_yunet,
)
from tests.fer_core.conftest import SAMPLES

PICTURES = (
    "two_people.jpg",
    "obama_and_biden.jpg",
    "obama_partial_face.jpg",
    "one_person_small.jpg",
    "rgba_32bit.png",
    "no-faces.jpg",
)
# Longer sides; that of 500 leaves no side a multiple of 32.
SIZES = (320, 384, 500, 640)


@pytest.fixture(scope="module")
def onnx_yunet(yunet_file: Path) -> OnnxYuNet:
    return OnnxYuNet(yunet_file)


def opencv_rows(yunet_file: Path, image_bgr: np.ndarray) -> np.ndarray:
    """What OpenCV finds by itself, with its own padding."""
    network = cv2.FaceDetectorYN.create(str(yunet_file), "", image_bgr.shape[1::-1], 0.7, 0.3)
    rows = network.detect(image_bgr)[1]
    return np.empty((0, 15), np.float32) if rows is None else rows


def in_size(image_bgr: np.ndarray, longer: int) -> np.ndarray:
    scale = longer / max(image_bgr.shape[:2])
    return cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def shared_and_sample_pictures(media: Path) -> list[np.ndarray]:
    paths = [media / name for name in PICTURES] + sorted(SAMPLES.glob("*.jpg"))
    return [read_image(path).image_bgr for path in paths]


def test_both_runtimes_find_the_same(media: Path, yunet_file: Path, onnx_yunet: OnnxYuNet) -> None:
    wrapped = OpenCvYuNet(yunet_file)
    count = 0
    for image_bgr in shared_and_sample_pictures(media):
        for longer in SIZES:
            small = in_size(image_bgr, longer)
            before = small.copy()
            found = onnx_yunet.find(small)
            expected = opencv_rows(yunet_file, small)
            assert (small == before).all()
            assert found.dtype == np.float32
            assert found.shape == expected.shape
            assert found[:, :14] == pytest.approx(expected[:, :14], abs=1)
            assert found[:, 14] == pytest.approx(expected[:, 14], abs=1e-3)
            assert wrapped.find(small) == pytest.approx(expected, abs=1)
            count += len(found)
    assert count >= 30


def test_the_size_written_in_the_file_does_not_matter(
    yunet_file: Path, tmp_path: Path, portrait: np.ndarray, onnx_yunet: OnnxYuNet
) -> None:
    # The sizes of the input of 320x320 as 640x640, like OpenCV Zoo's file, and as any size.
    content = yunet_file.read_bytes()
    size = b"\x0a\x03\x08" + _varint(320)
    assert content.count(2 * size) == 1
    larger = content.replace(2 * size, 2 * (b"\x0a\x03\x08" + _varint(640)))
    free = _without_fields(content, _FIXED_SIZES)
    assert len(free) < len(content)
    expected = onnx_yunet.find(portrait)
    assert len(expected) == 1
    for name, changed in (("larger", larger), ("free", free)):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(changed)
        assert (OnnxYuNet(path).find(portrait) == expected).all()


def test_threads_do_not_disturb_each_other(portrait: np.ndarray, onnx_yunet: OnnxYuNet) -> None:
    images = [in_size(portrait, side) for side in (200, 320, 450, 600)] * 3
    expected = [onnx_yunet.find(image) for image in images]
    assert all(map(len, expected))
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(onnx_yunet.find, images), expected, strict=True):
            assert (found == wanted).all()


def test_onnx_runtime_serves_where_it_can(
    yunet_file: Path, monkeypatch: pytest.MonkeyPatch, portrait: np.ndarray, onnx_yunet: OnnxYuNet
) -> None:
    assert isinstance(load_yunet(yunet_file), OnnxYuNet)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    without = load_yunet(yunet_file)
    assert isinstance(without, OpenCvYuNet)
    assert without.find(portrait) == pytest.approx(onnx_yunet.find(portrait), abs=1)


def test_no_file_and_a_damaged_file(tmp_path: Path, yunet_file: Path) -> None:
    with pytest.raises(DetectorUnavailable, match="is not here"):
        load_yunet(tmp_path / "absent.onnx")
    path = tmp_path / "half.onnx"
    path.write_bytes(yunet_file.read_bytes()[:100_000])
    with pytest.raises(DetectorUnavailable, match=r"half\.onnx is damaged"):
        load_yunet(path)


def test_decoding_a_cell_by_hand() -> None:
    """One cell of each stride of a 64x96 input, 12, 6 and 3 cells wide."""
    outputs = {}
    for stride in (8, 16, 32):
        cells = 64 * 96 // stride**2
        for head, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{head}_{stride}"] = np.zeros((1, cells, channels), np.float32)
        outputs[f"cls_{stride}"][0, 4] = 0.8
        outputs[f"obj_{stride}"][0, 4] = 1.25  # above 1, where it is cut
        outputs[f"bbox_{stride}"][0, 4] = [0.5, 0.25, np.log(2), np.log(3)]
        outputs[f"kps_{stride}"][0, 4] = np.arange(10) / 10
    outputs["cls_16"][0, 4] = 0.48  # a score of 0.69
    rows = _decoded(outputs, (96, 64))
    # The fifth cell is in the first row of 12 cells, and in the second of 3.
    assert rows[:, :4] == pytest.approx(
        np.array([[8 * 3.5, 8 * -1.25, 16, 24], [32 * 0.5, 32 * -0.25, 64, 96]])
    )
    assert rows[0, 4:8] == pytest.approx([8 * 4.0, 8 * 0.1, 8 * 4.2, 8 * 0.3])
    assert rows[:, 14] == pytest.approx(np.sqrt([0.8, 0.8]))


def test_the_best_of_those_that_overlap_stays() -> None:
    rows = np.zeros((4, 15), np.float32)
    rows[:, :4] = [[0, 0, 10, 10], [2, 0, 10, 10], [9, 0, 10, 10], [100, 100, 5, 5]]
    rows[:, 14] = [0.8, 0.95, 0.9, 0.75]
    assert _without_overlaps(rows)[:, 14].tolist() == pytest.approx([0.95, 0.9, 0.75])
    assert _without_overlaps(rows[:0]).shape == (0, 15)


def test_nothing_is_reported_to_anybody(yunet_file: Path, tmp_path: Path) -> None:
    """With usage statistics on, ONNX Runtime leaves a file of its session among temporary ones."""
    # It reports nothing where it sees a build server's or its own tests' variables.
    silent = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "GITHUB_ACTIONS")
    environment = {key: value for key, value in os.environ.items() if key not in silent}
    code = "import sys; from fer_core.yunet import OnnxYuNet; from pathlib import Path; "
    code += "OnnxYuNet(Path(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", code, str(yunet_file)],
        env=environment | {"TMPDIR": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc")
def test_what_a_large_picture_took_is_given_back(onnx_yunet: OnnxYuNet) -> None:
    onnx_yunet.give_memory_back()
    before = resident_mb()
    onnx_yunet.find(np.zeros((1440, 1920, 3), np.uint8))
    taken = resident_mb() - before
    assert taken > 50
    give_memory_back()
    assert resident_mb() - before < taken / 2
