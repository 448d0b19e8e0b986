from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from ui.common import resources


def test_says_what_it_is_and_what_it_is_not_for(home: AppTest) -> None:
    text = " ".join(element.value for element in home.markdown)
    assert not home.exception and not home.error
    assert "must not be used for" in text
    assert "Article 5(1)(f)" in text


def test_shows_the_active_parts(home: AppTest) -> None:
    captions = " ".join(element.value for element in home.sidebar.caption)
    assert "Haar cascades" in captions and "fer7" in captions
    assert "python -m fer_core download" in captions


def test_measured_figures_are_those_of_the_shipped_files(home: AppTest) -> None:
    table = " ".join(element.value for element in home.markdown)
    for name in ("fer7", "fer6"):
        assert (MODELS_DIR / name / "metrics.json").is_file()
    assert "PrivateTest" in table


@pytest.fixture
def broken_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped models to break, in the place of the real ones."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS_DIR, folder)
    monkeypatch.setitem(EmotionClassifier.load.__func__.__kwdefaults__, "models_dir", folder)
    monkeypatch.setenv("FER_YUNET", str(tmp_path / "none.onnx"))
    resources.get_classifier.clear()
    yield folder
    resources.get_classifier.clear()


@pytest.mark.parametrize("page", ["app.py", "pages/1_Photo.py", "pages/2_Video.py"])
@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("model.tflite", b"no network", "damaged"),
        ("labels.json", b'["happy", "sad"]', "do not match"),
        ("config.json", b"{", "not valid JSON"),
        ("config.json", None, "missing"),
    ],
)
def test_a_broken_model_is_one_sentence(
    broken_models: Path, page: str, file: str, content: bytes | None, sentence: str
) -> None:
    path = broken_models / "fer7" / file
    path.unlink() if content is None else path.write_bytes(content)
    root = Path(__file__).resolve().parents[2]
    app = AppTest.from_file(str(root / "app.py"), default_timeout=60).run()
    app = app.switch_page(page).run()
    assert not app.exception
    assert len(app.error) == 1
    assert sentence in app.error[0].value and "fer7" in app.error[0].value
