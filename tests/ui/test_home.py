from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from tests.ui.conftest import SAMPLE
from train.evaluation.records import Recall, Wild, WildFigures, WildReading
from ui import home as home_page
from ui.common import resources, samples
from ui.home import agreement_said, in_short, photos_said
from ui.video.shelf import get_shelf


def test_says_what_it_is_and_what_it_is_not_for(home: AppTest) -> None:
    text = " ".join(element.value for element in home.markdown)
    assert not home.exception and not home.error
    assert "must not be used for" in text
    assert "Article 5(1)(f)" in text


def test_the_figures_are_those_of_the_shipped_files(home: AppTest) -> None:
    metrics = json.loads((MODELS_DIR / "fer7" / "metrics.json").read_text())
    share = metrics["PrivateTest"]["people"]["figures"]["people"]["share"]
    wild = json.loads((MODELS_DIR / "fer7" / "wild.json").read_text())
    natural = wild["readings"][0]["everybody"]["natural"]
    said = " ".join(element.value for element in home.markdown)
    assert f"agree on {share:.0%} of " in said and f"right about {natural:.0%} of faces" in said
    assert "women" in said and "men" in said
    # What is not behind a click is one sentence of three points.
    (sentence,) = [one.value for one in home.markdown if one.value.startswith("**Of ten faces")]
    assert (
        sentence.endswith(".**") and sentence.count(".") == 1 and "most often it takes" in sentence
    )
    (figures,) = home.expander
    assert len(figures.markdown) == 2 and sentence not in [one.value for one in figures.markdown]
    (table,) = [html.proto.body for html in home.get("html") if 'class="bars"' in html.proto.body]
    assert table.count('scope="row"') == 7


def test_only_what_acts_on_the_page_is_in_the_sidebar(home: AppTest) -> None:
    assert not home.sidebar.radio and not home.sidebar.slider
    photo = home.switch_page("pages/1_Photo.py").run()
    captions = " ".join(element.value for element in photo.sidebar.caption)
    assert "Haar cascades" in captions and "fer7" in captions
    assert "python -m fer_core download" in captions
    (advanced,) = photo.sidebar.expander
    assert advanced.label == "Advanced" and len(advanced.radio) == 2


def wild(women_least: float) -> Wild:
    """Return what ordinary photos may show, with the least that is likely of women's share."""
    women = WildFigures(0.9, (women_least, 0.95), 0.8, {})
    men = WildFigures(0.8, (0.75, 0.82), 0.7, {})
    everybody = WildFigures(0.85, (0.8, 0.9), 0.7, {"sad": Recall(100, 0.4, (0.3, 0.5))})
    return Wild("yunet", 200, 199, (WildReading("people", everybody, {"F": women, "M": men}),), ())


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ({"happy": {"happy": 9, "sad": 1}, "sad": {"happy": 4, "sad": 6}}, "about eight;"),
        ({"happy": {"happy": 1, "sad": 0}, "sad": {"happy": 1, "sad": 0}}, "about five;"),
    ],
)
def test_agreement_in_words(people: dict[str, dict[str, int]], said: str) -> None:
    right = sum(row[emotion] for emotion, row in people.items())
    pictures = sum(sum(row.values()) for row in people.values())
    sentence = in_short(right / pictures, people, None)
    assert said in sentence and "takes a “sad” face for “happy”" in sentence
    assert sentence.endswith("for whom it is worse was not measured.")
    figures = agreement_said(right / pictures, pictures, people)
    assert "best at “happy”" in figures and "of “sad” faces it calls" in figures


@pytest.mark.parametrize(
    ("women_least", "said", "in_figures"),
    [
        (0.7, "between women and men no certain difference", "no certain difference"),
        (0.85, "it is worse for men than for women", "worse for the second of women (90%)"),
    ],
)
def test_for_whom_it_is_worse(women_least: float, said: str, in_figures: str) -> None:
    measured = wild(women_least)
    assert said in in_short(1, {"happy": {"happy": 9, "sad": 1}}, measured)
    sentence = photos_said(measured)
    assert in_figures in sentence and "more than half of the faces that are sad (40%)" in sentence


def choose(home: AppTest, monkeypatch: pytest.MonkeyPatch, position: int) -> AppTest:
    monkeypatch.setattr(
        "ui.home.picture_buttons", lambda key, *_, **__: position if key == "examples" else None
    )
    return home.run()


def test_an_example_photo_is_one_click(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = choose(app, monkeypatch, 0)
    assert not shown.exception and shown.main.header[0].value == "1 face"


def test_an_example_clip_is_one_click(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    # Most of the time is its making: a smaller clip of the same length.
    monkeypatch.setattr(samples, "_CLIP_WH", (96, 60))
    monkeypatch.setattr(samples, "_CLIP_RATE", 5)
    monkeypatch.setattr(home_page, "sample_clip", samples.sample_clip.__wrapped__)
    shown = choose(app, monkeypatch, 3)
    assert not shown.exception and shown.title[0].value == "Emotions in videos"
    video = get_shelf().get(shown.session_state["video-token"], "")
    assert video is not None and video.run is not None
    assert video.facts.duration_s == pytest.approx(6, abs=0.2)
    forget = get_shelf()
    forget.remove(video.token)


def test_what_is_dropped_goes_where_it_is_read(home: AppTest, clip: bytes) -> None:
    def drop(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
        return app.file_uploader[0].set_value([(*file, "") for file in files]).run()

    photo = ("a.jpg", SAMPLE.read_bytes())
    both = drop(home, photo, ("clip.mp4", clip))
    assert not both.exception and "by itself" in both.error[0].value
    wrong = drop(home, ("clip.mp4", b"no video"))
    assert not wrong.exception and "clip" in wrong.error[0].value
    assert len(wrong.error) == 1
    shown = drop(wrong, photo)
    assert not shown.exception and shown.main.header[0].value == "1 face" and not shown.error


@pytest.fixture
def broken_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped models to break, in the place of the real ones."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS_DIR, folder, ignore=shutil.ignore_patterns("*.keras", "*.parquet"))
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
