from __future__ import annotations

import csv
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.labels import FER6, FER7
from tests.train.zips import zip_of
from train.data import fer2013
from train.data.fer2013 import (
    EXPECTED_COUNTS,
    FaceSet,
    count_faults,
    counts_table,
    hold_out,
    load_fer2013,
    read_picture_files,
)
from train.errors import DataError
from train.evaluation.evaluate import leaked_from_training


def same(left: FaceSet, right: FaceSet, *, names: bool = True) -> bool:
    return (
        np.array_equal(left.faces_gray, right.faces_gray)
        and np.array_equal(left.labels, right.labels)
        and np.array_equal(left.splits, right.splits)
        and (not names or np.array_equal(left.names, right.names))
    )


def write_csv(path: Path, dataset: FaceSet, header: str = "emotion,pixels,Usage") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(header + "\n")
        writer = csv.writer(file)
        for face, label, split in zip(
            dataset.faces_gray, dataset.labels, dataset.splits, strict=True
        ):
            writer.writerow([label, " ".join(map(str, face.ravel())), split])
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


# ---------------------------------------------------------------- the whole data set


def test_the_whole_set_has_the_published_counts(whole_set: FaceSet) -> None:
    assert len(whole_set) == 35_887
    assert count_faults(whole_set) == []
    for split, counts in EXPECTED_COUNTS.items():
        assert tuple(np.bincount(whole_set.split(split).labels)) == counts
    assert "7,215" in counts_table(whole_set)


def test_the_test_split_is_both_test_splits(whole_set: FaceSet) -> None:
    assert len(whole_set.split("test")) == 7_178
    assert len(whole_set.as_classes(FER6).split("test")) == 7_067
    assert len(whole_set.as_classes(FER6).split("Training")) == 28_273


def test_568_test_pictures_are_leaked(whole_set: FaceSet) -> None:
    assert leaked_from_training(whole_set, whole_set.split("test")).sum() == 568


def test_pixel_groups_of_the_whole_set(whole_set: FaceSet) -> None:
    sizes = np.bincount(whole_set.pixel_groups())
    assert (sizes > 1).sum() == 1_516
    assert sizes[sizes > 1].sum() == 3_369


def test_hold_out_keeps_identical_pictures_together(whole_set: FaceSet) -> None:
    training = whole_set.split("Training")
    kept, held = hold_out(training, 0.1, seed=0)
    assert len(kept) + len(held) == len(training)
    assert not set(kept.names) & set(held.names)
    pixels = {face.tobytes() for face in kept.faces_gray}
    assert not any(face.tobytes() in pixels for face in held.faces_gray)


def test_hold_out_takes_its_share_of_every_class(whole_set: FaceSet) -> None:
    training = whole_set.split("Training")
    _, held = hold_out(training, 0.1, seed=0)
    shares = np.bincount(held.labels) / np.bincount(training.labels)
    # Groups of identical pictures are held out as a whole, so a little more may come along.
    assert ((shares >= 0.0995) & (shares < 0.13)).all()


def test_hold_out_depends_on_its_seed_alone(tiny_set: FaceSet) -> None:
    training = tiny_set.split("Training")
    first, second, other = (hold_out(training, 0.25, seed)[1] for seed in (0, 0, 1))
    assert same(first, second)
    assert not np.array_equal(first.names, other.names)


# ---------------------------------------------------------------- the forms it comes in


def test_all_forms_give_the_same_faces(
    tiny_set: FaceSet, tiny_files: dict[str, bytes], tar_of_tiny: bytes, tmp_path: Path
) -> None:
    tar = tmp_path / "faces.tar.xz"
    tar.write_bytes(tar_of_tiny)
    assert len(tiny_set) == 7 * 40
    assert same(load_fer2013(tar), tiny_set)
    assert same(load_fer2013(write_zip(tmp_path / "faces.zip", tiny_files)), tiny_set)
    # A table has rows instead of file names, so only the order can be the same.
    table = load_fer2013(write_csv(tmp_path / "fer2013.csv", tiny_set))
    assert same(table, tiny_set, names=False)
    assert table.names[0] == "PrivateTest_0"


def test_the_table_with_blanks_in_its_header(tiny_set: FaceSet, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "icml_face_data.csv", tiny_set, "emotion, pixels, Usage")
    assert same(load_fer2013(path), tiny_set, names=False)


def test_other_files_are_left_alone(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    name, content = next(iter(tiny_files.items()))
    extra = {
        "notes.txt": b"x",
        "train/angry/._Training_1.jpg": b"x",
        "train/angry/Training_².jpg": b"x",
        "train/angry/Other_1.jpg": b"x",
        "train/contempt/Training_1.jpg": b"x",
    }
    loaded = load_fer2013(write_zip(tmp_path / "faces.zip", {name: content, **extra}))
    assert len(loaded) == 1


def test_picture_files_come_as_they_are(
    tiny_files: dict[str, bytes], tiny_folder: Path, tar_of_tiny: bytes, tmp_path: Path
) -> None:
    expected = {f"{Path(n).stem}/{Path(n).parent.name}": c for n, c in tiny_files.items()}
    tar = tmp_path / "faces.tar.xz"
    tar.write_bytes(tar_of_tiny)
    more = {**tiny_files, "train/happy/readme.txt": b"x", "train/odd/Training_1.jpg": b"x"}
    for source in (tiny_folder, tar, write_zip(tmp_path / "faces.zip", more)):
        assert read_picture_files(source) == expected


def test_no_picture_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set"):
        read_picture_files(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no pictures named"):
        read_picture_files(tmp_path)
    (tmp_path / "faces.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match="no whole"):
        read_picture_files(tmp_path / "faces.zip")


def test_missing_pictures_are_named(tiny_set: FaceSet) -> None:
    faults = count_faults(tiny_set)
    assert len(faults) == 21
    assert "Training/disgust: 24 pictures instead of 436." in faults


def test_a_missing_split_is_named(tiny_set: FaceSet) -> None:
    with pytest.raises(DataError, match="PublicTest"):
        tiny_set.split("Training").split("PublicTest")


def test_as_classes_renumbers_and_leaves_disgust_out(tiny_set: FaceSet) -> None:
    six = tiny_set.as_classes(FER6)
    assert len(six) == 6 * 40
    names = dict(
        zip(tiny_set.names, (FER7.labels[label] for label in tiny_set.labels), strict=True)
    )
    assert all(
        names[name] == FER6.labels[label] for name, label in zip(six.names, six.labels, strict=True)
    )


def test_too_few_faces_cannot_be_held_out(tiny_set: FaceSet) -> None:
    with pytest.raises(DataError, match="held out"):
        hold_out(tiny_set.where(np.arange(3)), 0.05, seed=0)
    with pytest.raises(DataError, match="held out"):
        hold_out(tiny_set.where(np.zeros(len(tiny_set), bool)), 0.05, seed=0)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("name", ["nothing", "nothing.zip", "nothing.csv"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no data set"):
        load_fer2013(tmp_path / name)


def test_a_folder_without_faces(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(DataError, match="no pictures named like"):
        load_fer2013(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", "truncated", "large"])
def test_a_bad_picture_is_named(tiny_files: dict[str, bytes], tmp_path: Path, content: Any) -> None:
    import cv2

    name, whole = next(iter(tiny_files.items()))
    if content == "truncated":
        content = whole[:50]
    elif content == "large":
        content = cv2.imencode(".jpg", np.zeros((49, 49), np.uint8))[1].tobytes()
    with pytest.raises(DataError, match=Path(name).stem):
        load_fer2013(write_zip(tmp_path / "faces.zip", {name: content}))


@pytest.mark.parametrize("suffix", [".zip", ".tar.xz", ".tar"])
def test_an_archive_that_is_none(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"faces{suffix}"
    path.write_bytes(b"no archive at all")
    with pytest.raises(DataError, match=r"no whole \.zip or \.tar"):
        load_fer2013(path)


def test_a_truncated_tar(tar_of_tiny: bytes, tmp_path: Path) -> None:
    path = tmp_path / "faces.tar.xz"
    path.write_bytes(tar_of_tiny[: len(tar_of_tiny) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        load_fer2013(path)


def test_a_zip_with_a_damaged_member(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    path = write_zip(tmp_path / "faces.zip", tiny_files)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        load_fer2013(path)


def test_a_truncated_zip(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    path = write_zip(tmp_path / "faces.zip", tiny_files)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError):
        load_fer2013(path)


PIXELS = " ".join(["7"] * 48 * 48)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (f"0,{PIXELS},Validation", "'Validation'"),
        (f"7,{PIXELS},Training", "emotion is 7"),
        (f"happy,{PIXELS},Training", "happy"),
        ("0,1 2 3,Training", "3 pixels"),
        ("0,,Training", "0 pixels"),
        (f"0,{PIXELS[:-1]}300,Training", "from 0 to 255"),
        (f"0,{PIXELS[:-1]}x,Training", "row 2"),
        (f"0,{'9' * 20},Training", "row 2"),
        ("0", "row 2"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, word: str) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(f"emotion,pixels,Usage\n0,{PIXELS},Training\n{row}\n")
    with pytest.raises(DataError, match=word):
        load_fer2013(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_a_table_that_is_another_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no columns|cannot be read"):
        load_fer2013(path)


def test_a_table_without_lines(tmp_path: Path) -> None:
    with (tmp_path / "fer2013.csv").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="a line of more than 100,000 letters"):
        load_fer2013(tmp_path / "fer2013.csv")


def test_far_too_many_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fer2013, "_MAX_PICTURES", 2)
    path = tmp_path / "fer2013.csv"
    rows = [f"0,{PIXELS},Training"] * 3
    path.write_text("\n".join(["emotion,pixels,Usage", *rows[:2]]))
    assert len(load_fer2013(path)) == 2
    path.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    with pytest.raises(DataError, match="more than 2 pictures, so it is no FER-2013"):
        load_fer2013(path)


def test_archives_that_list_far_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fer2013, "_MAX_FILES", 2)
    path = tmp_path / "many.zip"
    path.write_bytes(zip_of({f"{number}.txt": b"" for number in range(3)}))
    with pytest.raises(DataError, match="more than 2 files"):
        load_fer2013(path)
    path = tmp_path / "many.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(3):
            archive.addfile(tarfile.TarInfo(f"{number}.txt"))
    with pytest.raises(DataError, match="more than 2 files"):
        load_fer2013(path)
    # A name of as many bytes as one likes.
    header = tarfile.TarInfo("name")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT).ljust(10_240, b"\0"))
    with pytest.raises(DataError, match=r"no whole .zip or .tar archive"):
        load_fer2013(path)


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_a_picture_without_an_end(tmp_path: Path, form: str) -> None:
    picture = tmp_path / "set" / "train" / "happy" / "Training_1.jpg"
    picture.parent.mkdir(parents=True)
    with picture.open("wb") as file:
        file.truncate((1 << 20) + 1)
    path = tmp_path / "set"
    if form != "folder":
        path = Path(shutil.make_archive(str(path), form, path))
    with pytest.raises(DataError, match=r"Training_1.jpg is too large for a picture"):
        load_fer2013(path)


def test_a_pipe_among_the_pictures(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    os.mkfifo(tmp_path / "happy" / "Training_1.jpg")
    with pytest.raises(DataError, match=r"Training_1.jpg is no file"):
        load_fer2013(tmp_path)
