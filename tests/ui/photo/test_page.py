from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
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
from tests.ui.conftest import SAMPLE
from ui.common.layout import plain

Upload = Callable[..., AppTest]


def charts(app: AppTest) -> list[dict]:
    """Return the Plotly figures of a page."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def buttons(app: AppTest, label: str) -> list:
    return [button for button in app.button if button.label == label]


def test_empty_page(photo_page: AppTest) -> None:
    assert not photo_page.exception and not photo_page.error
    assert len(photo_page.file_uploader) == 1
    assert not charts(photo_page) and not photo_page.subheader


def test_sample_photos(photo_page: AppTest) -> None:
    app = buttons(photo_page, "Try a sample photo")[0].click().run()
    assert not app.exception
    assert app.subheader[0].value == "1 face"
    (chart,) = charts(app)
    assert chart["data"][0]["y"] == [label.capitalize() for label in FER7.labels]
    assert sum(_numbers(chart["data"][0]["x"])) == pytest.approx(1, abs=1e-5)


def _numbers(values: list[float] | dict[str, str]) -> list[float]:
    """Return a Plotly array, which newer releases send in base64."""
    if isinstance(values, list):
        return values
    import base64

    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()


def test_two_people(
    photo_page: AppTest, media: Path, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    content = (media / "two_people.jpg").read_bytes()
    photo_page.file_uploader[0].set_value([("two_people.jpg", content, "image/jpeg")]).run()
    assert photo_page.subheader[0].value == "2 faces"
    assert len(charts(photo_page)) == 2
    assert any("YuNet" in caption.value for caption in photo_page.sidebar.caption)


def test_a_photo_on_its_side_is_turned_and_said_so(
    photo_page: AppTest, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    on_its_side = Image.open(SAMPLE).transpose(Image.Transpose.ROTATE_90)
    content = _encoded(on_its_side, "PNG")
    photo_page.file_uploader[0].set_value([("side.png", content, "image/png")]).run()
    assert not photo_page.exception
    assert photo_page.subheader[0].value == "1 face"
    assert any("turned by 90° clockwise" in caption.value for caption in photo_page.caption)


def test_a_photo_without_its_end_is_read_and_said_so(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()[:-10]))
    assert not app.exception and app.subheader[0].value == "1 face"
    assert any("end of the photo's file is missing" in caption.value for caption in app.caption)
    whole = app.file_uploader[0].set_value([("b.jpg", SAMPLE.read_bytes(), "image/jpeg")]).run()
    assert not any("file is missing" in caption.value for caption in whole.caption)


def test_clicks_do_not_decode_again(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()), ("b.png", _encoded(Image.open(SAMPLE), "PNG")))

    def decode(*_: object, **__: object) -> None:
        pytest.fail("it was decoded again")

    monkeypatch.setattr("fer_core.images.read_header", decode)
    app = app.slider(key="threshold").set_value(95).run()
    app = buttons(app, "Next")[0].click().run()
    app = buttons(app, "Next")[0].click().run()
    assert not app.exception and not app.error
    assert app.subheader[0].value == "1 face"


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
    assert app.subheader[0].value == "1 face"
    assert said == ["Waiting for other pictures …"]


def test_six_classes_and_side_by_side(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    app = app.radio(key="classes").set_value("fer6").run()
    assert [len(chart["data"][0]["y"]) for chart in charts(app)] == [len(FER6)]
    app = app.toggle(key="side-by-side").set_value(True).run()
    assert [len(chart["data"][0]["y"]) for chart in charts(app)] == [len(FER6), len(FER7)]


def test_there_are_two_readings_and_both_are_kept(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    (people,) = charts(app)
    app = app.radio(key="reading").set_value("labels").run()
    assert not app.exception
    (labels,) = charts(app)
    shares, chances = (_numbers(chart["data"][0]["x"]) for chart in (people, labels))
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert chances != pytest.approx(shares, abs=1e-4)
    assert {reading for *_, reading in app.session_state["photos"].readings} == {
        "people",
        "labels",
    }
    app = app.radio(key="reading").set_value("people").run()
    assert charts(app) == [people]


def test_a_ready_crop(upload: Upload) -> None:
    crop = Image.open(SAMPLE).convert("L").crop((170, 60, 340, 230)).resize((48, 48))
    app = upload(("crop.png", _encoded(crop, "PNG")))
    assert app.subheader[0].value == "No face found"
    app = app.toggle(key="ready-crops").set_value(True).run()
    assert not app.exception
    assert app.subheader[0].value == "1 face"
    # Videos and the camera hold more than a face.
    app = app.switch_page("pages/2_Video.py").run()
    assert not [toggle for toggle in app.toggle if toggle.key == "ready-crops"]
    assert any("Haar" in caption.value for caption in app.sidebar.caption)


def test_threshold_makes_a_verdict_uncertain(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    for percent, uncertain in ((0, False), (100, True)):
        app = app.slider(key="threshold").set_value(percent).run()
        card = next(m.value for m in app.markdown if m.value.startswith("**Face 1**"))
        assert ("Uncertain" in card) is uncertain


def test_settings_and_photos_outlive_a_change_of_page(upload: Upload) -> None:
    app = upload(("a.jpg", SAMPLE.read_bytes()))
    app = app.radio(key="classes").set_value("fer6").run()
    app = app.slider(key="threshold").set_value(65).run()
    app = app.switch_page("app.py").run()
    assert app.radio(key="classes").value == "fer6"
    app = app.switch_page("pages/1_Photo.py").run()
    assert app.slider(key="threshold").value == 65
    assert app.subheader[0].value == "1 face"
    assert len(charts(app)[0]["data"][0]["y"]) == len(FER6)


def test_gallery(photo_page: AppTest) -> None:
    app = buttons(photo_page, "Try a sample photo")[0].click().run()
    assert [caption.value for caption in app.caption].count("Photo 1 of 2") == 1
    app = buttons(app, "Next")[0].click().run()
    assert "Photo 2 of 2" in [caption.value for caption in app.caption]
    app = buttons(app, "Next")[0].click().run()
    assert "Photo 1 of 2" in [caption.value for caption in app.caption]
    app = buttons(app, "Remove")[0].click().run()
    assert app.subheader[0].value == "1 face" and not buttons(app, "Next")
    app = buttons(app, "Clear all")[0].click().run()
    assert not app.subheader and not app.exception


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
    assert not app.error and app.subheader[0].value == "1 face"


def test_bad_files_do_not_stop_good_ones(upload: Upload) -> None:
    bad = [(name, content) for name, (content, _) in _bad_files().items()]
    app = upload(*bad, ("a.jpg", SAMPLE.read_bytes()))
    app = app.button(key=next(b.key for b in app.button if b.label == plain("a.jpg"))).click().run()
    assert app.subheader[0].value == "1 face" and not app.error


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
    app = upload((name, _ODD_FILES[name](Image.open(SAMPLE))))
    assert not app.exception and not app.error
    assert app.subheader[0].value == "1 face"


def test_no_face_says_what_to_try(upload: Upload) -> None:
    app = upload(("grey.png", _encoded(Image.new("RGB", (320, 240), "grey"), "PNG")))
    assert app.subheader[0].value == "No face found"
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
