from __future__ import annotations

import functools
import io
import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from fer_core.budget import MemoryBudget
from fer_core.labels import FER6, FER7
from tests.fer_core import hostile
from tests.ui.conftest import ROOT, SAMPLE
from train.evaluation import explain
from ui.common.layout import plain
from ui.common.why import looks_of
from ui.photo import intake, sheet

Upload = Callable[..., AppTest]


def charts(app: AppTest) -> list[dict]:
    """Return the Plotly figures of a page."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def bars(app: AppTest) -> list[dict[str, int]]:
    """Return each table of bars on a page: the percentages by emotion."""
    bodies = [element.proto.body for element in app.get("html")]
    return [
        {
            label: int(percent)
            for label, percent in re.findall(r'row">(\w+)<.*?number">(\d+)%', body, re.DOTALL)
        }
        for body in bodies
        if 'class="bars"' in body
    ]


def names(labels: Sequence[str]) -> list[str]:
    return [label.capitalize() for label in labels]


def pick(app: AppTest, key: str, position: int, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Click a picture, which AppTest cannot, and run the page."""
    with monkeypatch.context() as patch:
        for module in (intake, sheet):
            patch.setattr(
                module, "picture_buttons", lambda own, *_, **__: position if own == key else None
            )
        app = app.run()
    return app


def buttons(app: AppTest, label: str) -> list:
    return [button for button in app.button if button.label == label]


def test_empty_page(photo_page: AppTest) -> None:
    assert not photo_page.exception and not photo_page.error
    assert len(photo_page.file_uploader) == 1
    assert not bars(photo_page) and not photo_page.main.header


def test_examples(photo_page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    app = pick(photo_page, "photo-examples", 0, monkeypatch).run()
    assert not app.exception
    assert app.main.header[0].value == "1 face"
    (table,) = bars(app)
    assert list(table) == names(FER7.labels)
    assert sum(table.values()) == pytest.approx(100, abs=3)
    said = " ".join(element.value for element in app.markdown)
    assert "Of ten people, " in said and "would call this happy" in said
    assert any(caption.value.startswith("Strongest: happy ") for caption in app.caption)


def test_two_people(
    photo_page: AppTest, media: Path, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    content = (media / "two_people.jpg").read_bytes()
    photo_page.file_uploader[0].set_value([("two_people.jpg", content, "image/jpeg")]).run()
    assert photo_page.main.header[0].value == "2 faces"
    assert len(bars(photo_page)) == 2
    assert any("YuNet" in caption.value for caption in photo_page.sidebar.caption)


def test_a_photo_on_its_side_is_turned_and_said_so(
    photo_page: AppTest, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    on_its_side = Image.open(SAMPLE).transpose(Image.Transpose.ROTATE_90)
    content = _encoded(on_its_side, "PNG")
    photo_page.file_uploader[0].set_value([("side.png", content, "image/png")]).run()
    assert not photo_page.exception
    assert photo_page.main.header[0].value == "1 face"
    assert any("turned by 90° clockwise" in caption.value for caption in photo_page.caption)


def test_a_photo_without_its_end_is_read_and_said_so(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()[:-10]))
    assert not app.exception and app.main.header[0].value == "1 face"
    assert any("end of the photo's file is missing" in caption.value for caption in app.caption)
    whole = app.file_uploader[0].set_value([("b.jpg", SAMPLE.read_bytes(), "image/jpeg")]).run()
    assert not any("file is missing" in caption.value for caption in whole.caption)


def test_clicks_do_not_decode_again(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()), ("b.png", _encoded(Image.open(SAMPLE), "PNG")))
    app = app.button_group(key="photo-view").set_value("One photo").run()

    def decode(*_: object, **__: object) -> None:
        pytest.fail("it was decoded again")

    monkeypatch.setattr("fer_core.images.read_header", decode)
    app = app.slider(key="threshold").set_value(95).run()
    app = buttons(app, "Next")[0].click().run()
    app = buttons(app, "Next")[0].click().run()
    assert not app.exception and not app.error
    assert app.main.header[0].value == "1 face"


def test_waiting_for_other_pictures_is_said(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = MemoryBudget(100_000_000)
    monkeypatch.setattr("fer_core.images.shared_budget", lambda: budget)
    said = []
    caption = DeltaGenerator.caption

    def say(place: DeltaGenerator, body: str, **options: object) -> DeltaGenerator:
        if body.startswith("Waiting"):
            said.append(body)
            release.close()
        return caption(place, body, **options)

    monkeypatch.setattr(DeltaGenerator, "caption", say)
    with ExitStack() as release:
        release.enter_context(budget.reserve(95_000_000))
        app = upload(("a.jpg", SAMPLE.read_bytes()))
    assert app.main.header[0].value == "1 face"
    assert said == ["Waiting for other pictures …"]


def test_six_classes_and_side_by_side(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    app = app.radio(key="classes").set_value("fer6").run()
    assert [list(table) for table in bars(app)] == [names(FER6.labels)]
    app = app.toggle(key="side-by-side").set_value(True).run()
    assert [list(table) for table in bars(app)] == [names(FER6.labels), names(FER7.labels)]


def test_there_are_two_readings_and_both_are_kept(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    (people,) = bars(app)
    app = app.radio(key="reading").set_value("labels").run()
    assert not app.exception
    (labels,) = bars(app)
    assert people != labels and sum(labels.values()) == pytest.approx(100, abs=3)
    assert any("would be labelled" in element.value for element in app.markdown)
    assert {reading for *_, reading in app.session_state["photos"].readings} == {
        "people",
        "labels",
    }
    app = app.radio(key="reading").set_value("people").run()
    assert bars(app) == [people]


def test_a_ready_crop(upload: Upload) -> None:
    crop = Image.open(SAMPLE).convert("L").crop((170, 60, 340, 230)).resize((48, 48))
    app = upload(("crop.png", _encoded(crop, "PNG")))
    assert app.main.header[0].value == "No face found"
    app = app.toggle(key="ready-crops").set_value(True).run()
    assert not app.exception
    assert app.main.header[0].value == "1 face"
    # Videos and the camera hold more than a face.
    app = app.switch_page("pages/2_Video.py").run()
    assert not [toggle for toggle in app.toggle if toggle.key == "ready-crops"]
    assert any("Haar" in caption.value for caption in app.sidebar.caption)


def test_threshold_makes_a_verdict_uncertain(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    for percent, uncertain in ((0, False), (100, True)):
        app = app.slider(key="threshold").set_value(percent).run()
        card = next(m.value for m in app.markdown if m.value.startswith("**Face 1**"))
        assert ("Uncertain" in card) is uncertain is ("hatched" in card)


def test_settings_and_photos_outlive_a_change_of_page(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    app = app.radio(key="classes").set_value("fer6").run()
    app = app.slider(key="threshold").set_value(65).run()
    app = app.switch_page("app.py").run()
    assert not app.radio
    app = app.switch_page("pages/1_Photo.py").run()
    assert app.radio(key="classes").value == "fer6"
    assert app.slider(key="threshold").value == 65
    assert app.main.header[0].value == "1 face"
    assert list(bars(app)[0]) == names(FER6.labels)


def test_many_photos_are_a_sheet_to_open_filter_and_compare(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = _encoded(Image.new("RGB", (320, 240), "grey"), "PNG")
    app = upload(
        ("grey.png", grey),
        ("eileen.jpg", SAMPLE.read_bytes()),
        ("no.jpg", b"no picture"),
        ("grace.jpg", SAMPLE.with_name("grace-hopper.jpg").read_bytes()),
    )
    shelf = app.session_state["photos"]
    assert not app.exception and not app.error
    assert app.main.header[0].value == "2 faces in 4 photos"
    assert any(caption.value == "No face: 1. Not readable: 1" for caption in app.caption)
    assert any('class="shares"' in element.proto.body for element in app.get("html"))
    app = app.button_group(key="sheet-filter").set_value(["happy"]).run()
    assert "1 of 4 photos" in [caption.value for caption in app.caption]
    app = app.button_group(key="sheet-filter").set_value([]).run()
    app = app.selectbox(key="sheet-order").set_value("Surest first").run()
    app = pick(app, "sheet", 0, monkeypatch).run()
    assert app.main.header[0].value == "1 face"
    assert shelf.uploads[shelf.current].name in ("eileen.jpg", "grace.jpg")
    app = buttons(app, "Next")[0].click().run()
    app = buttons(app, "Remove")[0].click().run()
    assert len(shelf.uploads) == 3 and not app.exception
    app = app.button_group(key="photo-view").set_value("Compare two").run()
    keys = {upload.name: key for key, upload in shelf.uploads.items()}
    for place, name in enumerate(("eileen.jpg", "grace.jpg")):
        if name in keys:
            app = app.selectbox(key=f"compare-{place}").set_value(keys[name]).run()
    assert not app.exception and len(bars(app)) >= 1
    app = app.selectbox(key="compare-1").set_value(keys["grey.png"]).run()
    assert "No face found." in [caption.value for caption in app.caption]
    app = app.button_group(key="photo-view").set_value("All photos").run()
    app = buttons(app, "Clear all")[0].click().run()
    assert not app.main.header and not app.exception and not shelf.uploads


def test_why_is_shown_when_it_is_asked_for(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    before = len(app.get("image"))
    (why,) = [toggle for toggle in app.toggle if toggle.label == "Why?"]
    app = why.set_value(True).run()
    assert not app.exception
    assert len(app.get("image")) == before + 4
    assert any("less probable, by" in caption.value for caption in app.caption)


def test_why_is_shown_without_grad_cam(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "LABELS_LAYER", "other")
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    looks_of.clear()
    before = len(app.get("image"))
    app = next(one for one in app.toggle if one.label == "Why?").set_value(True).run()
    assert not app.exception and len(app.get("image")) == before + 3
    assert any("cannot follow the last layers" in caption.value for caption in app.caption)


def test_a_session_with_the_address_has_the_photos(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.query_params["photos"] = app.session_state["photos"].token
    again = again.switch_page("pages/1_Photo.py").run()
    assert not again.exception and again.main.header[0].value == "1 face"
    assert again.session_state["photos"] is app.session_state["photos"]
    gone = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    gone.query_params["photos"] = "of nobody"
    gone = gone.switch_page("pages/1_Photo.py").run()
    assert "no longer here" in gone.info[0].value and not gone.main.header


def test_the_table_begins_with_the_emotions(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    order = list(app.dataframe[0].proto.column_order)
    assert order[:4] == ["path", "face", "verdict", "confidence"]
    assert tuple(order[4:11]) == FER7.labels
    assert order[11:] == ["quality", "score", "turned_deg", "x1", "y1", "x2", "y2"]


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


@functools.cache
def _bad_files() -> dict[str, tuple[bytes, str]]:
    jpeg = SAMPLE.read_bytes()
    return {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"This is no picture.", "not a picture"),
        "cut.jpg": (jpeg[: len(jpeg) // 50], "cut off"),
        "dot.png": (_encoded(Image.new("RGB", (1, 1)), "PNG"), "1×1"),
        "bomb.png": (hostile.png(20_000, 20_000), "megapixels"),
    }


@pytest.mark.parametrize("name", sorted(_bad_files()))
def test_a_bad_file_is_one_sentence_and_the_page_goes_on(upload: Upload, name: str) -> None:
    content, sentence = _bad_files()[name]
    app = upload((name, content))
    assert not app.exception
    assert [sentence in error.value and plain(name) in error.value for error in app.error] == [True]
    app = app.file_uploader[0].set_value([("a.jpg", SAMPLE.read_bytes(), "image/jpeg")]).run()
    assert not app.error and app.main.header[0].value == "1 face"
    assert buttons(app, "Next")


def test_bad_files_do_not_stop_good_ones(upload: Upload) -> None:
    bad = [(name, content) for name, (content, _) in _bad_files().items()]
    app = upload(*bad, ("a.jpg", SAMPLE.read_bytes()))
    assert app.main.header[0].value == f"1 face in {len(bad) + 1} photos" and not app.error


_ODD_FILES: dict[str, Callable[[Image.Image], bytes]] = {
    "cmyk.jpg": lambda photo: _encoded(photo.convert("CMYK"), "JPEG"),
    "grey16.png": lambda photo: _encoded(
        Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257), "PNG"
    ),
    "palette.png": lambda photo: _encoded(photo.convert("P"), "PNG"),
    "alpha.png": lambda photo: _encoded(photo.convert("RGBA"), "PNG"),
    "moving.gif": lambda photo: _encoded(
        photo, "GIF", save_all=True, append_images=[Image.new("RGB", photo.size)]
    ),
    "webp.webp": lambda photo: _encoded(photo, "WEBP"),
    "exif.jpg": lambda photo: _encoded(photo, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", sorted(_ODD_FILES))
def test_an_odd_file_works(upload: Upload, name: str) -> None:
    # Each form is another picture, in which a face has to be found.
    app = upload((name, _ODD_FILES[name](Image.open(SAMPLE).resize((192, 192)))))
    assert not app.exception and not app.error
    assert app.main.header[0].value == "1 face"


def test_no_face_says_what_to_try(upload: Upload) -> None:
    app = upload(("grey.png", _encoded(Image.new("RGB", (320, 240), "grey"), "PNG")))
    assert app.main.header[0].value == "No face found"
    # What would do nothing is not there.
    assert not [toggle for toggle in app.toggle if toggle.key == "side-by-side"]
    assert "YuNet" in app.info[0].value


def test_a_missing_detector_is_one_sentence(photo_page: AppTest) -> None:
    app = photo_page.radio(key="detector").set_value("yunet").run()
    assert not app.exception
    assert ["python -m fer_core download" in error.value for error in app.error] == [True]
    app = app.radio(key="detector").set_value("haar").run()
    assert not app.error


def test_names_are_no_formulas_in_the_table(upload: Upload) -> None:
    app = upload(("=1+1.jpg", SAMPLE.read_bytes()))
    assert app.dataframe[0].value["path"].tolist() == ["'=1+1.jpg"]
