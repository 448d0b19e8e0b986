from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.archives import Archive
from tests.ui.conftest import until
from ui.archive.opening import archives

PAGE = "pages/6_Archive.py"


@pytest.fixture
def unread(app: AppTest) -> AppTest:
    """The page before it is drawn, of an app that has opened nothing."""
    archives.__wrapped__.cache_clear()
    return app.switch_page(PAGE)


@pytest.fixture
def page(unread: AppTest, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with the archive open."""
    monkeypatch.setenv("FER_ARCHIVE", str(archive.readings))
    return opened(unread, archive)


def opened(app: AppTest, archive: Archive) -> AppTest:
    archives().look(str(archive.readings))
    until(lambda: archives().look(str(archive.readings)).job is None)
    app = app.run()
    assert not app.exception and not app.error
    return app


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.header)
    return "\n".join(element.value for kind in kinds for element in kind)


def tiles(app: AppTest) -> list[dict[str, Any]]:
    found = [json.loads(grid.proto.json) for grid in app.main.get("bidi_component")]
    return [tile for data in found for tile in data.get("items", [])]


def address(app: AppTest) -> dict[str, str]:
    told = [json.loads(one.proto.json) for one in app.sidebar.get("bidi_component")]
    return {data["name"]: data["value"] for data in told if data["value"]}


def button(app: AppTest, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


def test_without_a_data_set_the_page_says_how_to_make_one(unread: AppTest) -> None:
    app = unread.run()
    assert not app.exception and not app.error
    assert "who runs the app" in app.info[0].value
    assert "facial-emotions batch" in texts(app) and "FER_ARCHIVE=" in texts(app)
    assert not app.text_input, "a visitor names no path"


def test_the_home_page_leads_to_it_where_there_is_one(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leads(app: AppTest) -> bool:
        return any(one.proto.label == "Look into the archive" for one in app.get("page_link"))

    monkeypatch.setenv("FER_ARCHIVE", " ; ")
    assert not leads(app.run())
    monkeypatch.setenv("FER_ARCHIVE", "readings")
    assert leads(app.run()) and not app.exception


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("/nowhere/at/all", "no data set of readings"),
        ("s3://user:secret@host/x", "by the environment"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(
    unread: AppTest, monkeypatch: pytest.MonkeyPatch, place: str, sentence: str
) -> None:
    monkeypatch.setenv("FER_ARCHIVE", place)
    monkeypatch.setenv("FER_PUBLIC", "1")
    app = unread.run()
    if app.button and not app.error:
        until(lambda: archives().look(place).job is None)
        app.run()
    for _ in range(50):
        if app.error:
            break
        app.run()
    assert not app.exception and sentence in app.error[0].value
    assert "secret" not in texts(app) and "nowhere" not in texts(app)


def test_the_archive_in_a_sentence_pictures_and_charts(page: AppTest) -> None:
    shown = texts(page)
    assert "60 faces in 60 photos, January 2019 to December 2021: 43% look happy" in shown
    assert "is most frequent" not in shown, "of a month with one face no share is told"
    assert len(tiles(page)) == 24
    first = tiles(page)[0]
    assert (first["title"], first["note"]) == ("00.jpg", "50% · 2019-01-01")
    assert first["image"].startswith("data:image/jpeg")
    spec = json.loads(page.get("plotly_chart")[0].proto.spec)
    assert [trace["name"] for trace in spec["data"][:2]] == ["Angry", "Disgust"]
    bars = "".join(one.proto.body for one in page.get("html"))
    assert ">2019<" in bars and ">20<" in bars
    assert "3 files could not be read" in [one.label for one in page.expander]
    assert not address(page)


def test_filters_select_and_the_address_says_them(page: AppTest) -> None:
    app = page.pills(key="archive-verdicts-0").set_value(["happy"]).run()
    assert {tile["verdicts"][0]["text"] for tile in tiles(app)} == {"Happy"}
    app = app.text_input(key="archive-folder-0").set_value("2019").run()
    assert len(tiles(app)) == 3
    app = app.slider(key="archive-confidence-0").set_value((60, 100)).run()
    app = app.date_input(key="archive-first-0").set_value(date(2019, 6, 1)).run()
    assert [tile["title"] for tile in tiles(app)] == ["11.jpg", "19.jpg"]
    assert address(app) == {
        "emotion": "happy",
        "folder": "2019",
        "least": "60",
        "from": "2019-06-01",
    }
    app = button(app, "Reset").click().run()
    assert "60 faces" in texts(app) and len(tiles(app)) == 24 and not address(app)
    app = app.text_input(key="archive-folder-1").set_value("none of them").run()
    assert not app.exception and not tiles(app) and "none is left" in texts(app)


def test_a_page_begins_with_what_its_address_says(
    unread: AppTest, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_ARCHIVE", f"/elsewhere; {archive.readings}")
    asked = {
        "set": "readings",
        "kind": "video",
        "emotion": "sad,of no data set",
        "least": "seventy",
        "most": "71",
        "from": "2022-13-01",
        "to": "2022-05-04",
    }
    for name, value in asked.items():
        unread.query_params[name] = value
    app = opened(unread, archive)
    assert "80 readings in 1 video of May 2022" in texts(app)
    assert address(app) == {
        "set": "readings",
        "kind": "video",
        "emotion": "sad",
        "most": "70",
        "to": "2022-05-04",
    }
    # The video's persons, each with a time line.
    assert "**Person 1**, 0:00.0 to 0:03.9" in texts(app) and "**Person 2**" in texts(app)
    assert len(app.get("plotly_chart")) == 3
    assert app.selectbox(key="archive-video").options == ["talk/talk.mp4: 2 people, 0:04.0"]


def test_a_faces_own_page(page: AppTest, archive: Archive) -> None:
    from ui.archive.faces import _OPEN_KEY

    index = archives().look(str(archive.readings)).index
    page.session_state[_OPEN_KEY] = index.token, 3
    app = page.run()
    assert not app.exception and len(app.get("image")) == 1
    assert "**Happy** · 56%" in texts(app) and "the detector is 90% sure" in texts(app)
    app = button(app, "Back to all faces").click().run()
    assert len(tiles(app)) == 24 and not app.exception


def test_missing_files_are_told_and_a_changed_data_set_can_be_read_again(
    unread: AppTest, own: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_ARCHIVE", str(own.readings))
    (own.files / "2019" / "00.jpg").unlink()
    (own.files / "2019" / "01.jpg").unlink()
    app = opened(unread, own)
    assert "Without a picture: 2 files are not there any more" in texts(app).replace("\\", "")
    (own.readings / "files" / "kind=photo" / "year-2019.parquet").unlink()
    archives().look(str(own.readings)).looked_s = -1e9
    app = app.run()
    assert "has changed since" in texts(app) and "60 faces" in texts(app)
    button(app, "Read it again").click().run()
    app = opened(app, own)
    assert "40 faces in 40 photos" in texts(app) and "has changed" not in texts(app)


def test_strangers_see_no_folder_of_the_machine(
    page: AppTest, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_PUBLIC", "1")
    app = page.run()
    shown = texts(app) + "".join(one.proto.body for one in app.get("html"))
    shown += "".join(str(one.value) for one in app.dataframe) + json.dumps(tiles(app))
    shown += "".join(one.value for one in app.code)
    assert not app.exception and "00.jpg" in shown
    assert str(archive.files.parent) not in shown
