from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from fer_core.classifier import MODELS_DIR
from fer_core.errors import ModelError
from tests.cells import TRUE, cell_of, write_pictures
from train.data.picture_ids import picture_id
from train.evaluation.records import Features, Predictions
from ui.common import explorer_data


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cached, and no place of a data set is known."""
    st.cache_resource.clear()
    st.session_state.clear()
    monkeypatch.delenv("FER2013", raising=False)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped models."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS_DIR, folder, ignore=shutil.ignore_patterns("model.*"))
    monkeypatch.setattr(explorer_data, "MODELS_DIR", folder)
    return folder


def test_models_and_their_titles(models: Path) -> None:
    shutil.copytree(models / "fer6", models / "another")
    assert explorer_data.model_names() == ["fer7", "fer6", "another"]
    assert [explorer_data.model_title(name) for name in ("fer7", "another")] == [
        "7 emotions", "another",
    ]  # fmt: skip


def test_what_is_shared_is_read_once_and_cannot_be_changed(models: Path) -> None:
    first = explorer_data.stored(Predictions, "fer7")
    assert explorer_data.stored(Predictions, "fer7") is first
    assert explorer_data.stored(Features, "fer7") is not first
    with pytest.raises(ValueError, match="read-only"):
        first.verdicts().probabilities[0] = 0


def test_a_changed_file_is_read_again(models: Path) -> None:
    first = explorer_data.stored(Predictions, "fer7")
    os.utime(models / "fer7" / "predictions.parquet", ns=(1, 1))
    assert explorer_data.stored(Predictions, "fer7") is not first
    (models / "fer7" / "predictions.parquet").unlink()
    with pytest.raises(ModelError, match="has no predictions"):
        explorer_data.stored(Predictions, "fer7")


def test_another_calibration_makes_what_is_stored_stale(models: Path) -> None:
    explorer_data.stored(Predictions, "fer7")
    config = models / "fer7" / "config.json"
    content = json.loads(config.read_text())
    content["temperature"]["labels"] += 0.1
    config.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="before its last export, calibration or mixture"):
        explorer_data.stored(Predictions, "fer7")


def test_without_a_data_set() -> None:
    assert explorer_data.dataset() is None and not explorer_data.dataset_fault()
    assert explorer_data.picture_of("PrivateTest_1/sad") is None
    assert "FER2013" in explorer_data.pictures_note()


def test_pictures_by_name_and_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER2013", str(write_pictures(tmp_path)))
    first = str(cell_of().names[0])
    known = picture_id(first, TRUE)
    found = explorer_data.pictures_of([known, picture_id("PrivateTest_0", TRUE)])
    assert found is not None and found[1].tolist() == [True, False]
    assert found[0][0].std() > 0 and (found[0][1] == 128).all()
    assert np.array_equal(explorer_data.picture_of(known), found[0][0])
    assert explorer_data.picture_of(picture_id(first, "happy")) is None
    assert not explorer_data.pictures_note()


def test_the_visitors_place_goes_before_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER2013", str(tmp_path / "a"))
    explorer_data.set_data_place(f" {tmp_path / 'b'} ")
    assert explorer_data.data_place() == tmp_path / "b"
    explorer_data.set_data_place("")
    assert explorer_data.data_place() == tmp_path / "a"


def test_a_place_without_a_data_set_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER2013", str(tmp_path / "nothing"))
    assert explorer_data.dataset() is None
    assert "There is no data set at" in explorer_data.dataset_fault()
    assert "There is no data set at" in explorer_data.pictures_note()
