from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fer_core.batch.schema import VIDEO
from tests.archives import FRAMES, Archive
from ui.archive.faces import faults_said
from ui.archive.index import ArchiveFault, Index, open_index
from ui.archive.persons import persons_of
from ui.archive.pictures import cut_out, kept_thumbnails
from ui.archive.queries import Selection, all_numbers, videos_of
from ui.archive.rows import face_rows, selected_tables, video_rows


def test_rows_come_in_the_order_asked_for_from_any_part_and_group(own: Archive) -> None:
    for file in own.readings.glob("*/*/*.parquet"):
        table = pq.read_table(file)
        pq.write_table(table, file, row_group_size=7)
    index = open_index(str(own.readings))
    numbers = [130, 3, 59, 3, 20, 139]
    rows = face_rows(index, numbers, in_full=True)
    assert [row.number for row in rows] == numbers
    assert [Path(row.path).name for row in rows] == [
        "talk.mp4", "03.jpg", "19.jpg", "03.jpg", "00.jpg", "talk.mp4"
    ]  # fmt: skip
    assert rows[0].seconds == pytest.approx(3.5) and rows[0].person == 1
    assert rows[1].file is not None and rows[1].file.size_wh == (320, 240)
    assert index.labels[rows[1].probabilities.argmax()] == rows[1].verdict
    assert not face_rows(index, [3])[0].probabilities.any()
    some = all_numbers(index, Selection(least=70), 1000)
    assert sum(table.num_rows for table in selected_tables(index, some)) == len(some) > 7


def test_a_data_set_that_has_changed_is_a_sentence(own: Archive) -> None:
    index = open_index(str(own.readings))
    faces = own.readings / "faces" / "kind=photo"
    table = pq.read_table(faces / "year-2019.parquet")
    pq.write_table(table.slice(1), faces / "year-2019.parquet")
    (faces / "year-2020.parquet").unlink()
    (faces / "year-2021.parquet").write_bytes(b"no")
    for number in (0, 20, 40):
        with pytest.raises(ArchiveFault, match="has changed"):
            face_rows(index, [number])


def test_persons_of_a_video(index: Index) -> None:
    (video,) = videos_of(index, Selection(VIDEO), 10)
    rows = video_rows(index, video.part, video.path)
    assert rows.num_rows == 2 * FRAMES
    one, two = persons_of(index, rows)
    assert (one.number, one.shares) == (1, {"sad": 1.0}) and two.shares == {"happy": 1.0}
    assert one.readings.continues.tolist() == [False] + [True] * (FRAMES - 1)
    # Somebody who leaves and comes back leaves a gap.
    kept = np.array([n // 2 not in range(10, 20) for n in range(2 * FRAMES)])
    (gap,) = np.flatnonzero(~persons_of(index, rows.filter(kept))[0].readings.continues[1:])
    assert gap + 1 == 10


def test_thumbnails_of_photos_and_of_a_video(index: Index) -> None:
    rows = face_rows(index, [0, 1, 60, 61, 62])
    assert list(cut_out(index, rows)) == [1, 2, 4, 5]
    made = kept_thumbnails(index, [row.number for row in rows])
    assert all(one.jpeg.startswith(b"\xff\xd8") and not one.fault for one in made.values())
    assert len(made) == 5


def test_files_that_are_gone_changed_or_damaged_are_named(own: Archive) -> None:
    index = open_index(str(own.readings))
    folder = own.files / "2019"
    (folder / "00.jpg").unlink()
    (folder / "01.jpg").write_bytes(b"short")
    stat = (folder / "02.jpg").stat()
    (folder / "02.jpg").write_bytes(b"x" * stat.st_size)
    os.utime(folder / "02.jpg", (stat.st_atime, stat.st_mtime))
    rows = face_rows(index, [0, 1, 2, 60])
    assert list(cut_out(index, rows)) == [1, 2, 3, 4]
    made = kept_thumbnails(index, [0, 1, 2, 60])
    assert [made[n].fault for n in (0, 1, 2, 60)] == [
        "is not there any more",
        "was changed since it was read",
        "cannot be read any more",
        "is not there any more",
    ]
    assert not any(one.jpeg for one in made.values())
    assert faults_said([made[n].fault for n in (0, 1, 2, 60)]) == (
        "Without a picture: 2 files are not there any more, 1 file was changed since it was read "
        "and 1 file cannot be read any more."
    )
