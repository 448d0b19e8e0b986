from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.classifier import MODELS_DIR
from fer_core.labels import FER7
from tests.ui.conftest import ROOT, SAMPLE, address
from train.data.fer2013 import FaceSet
from train.data.ferplus import Votes
from train.data.picture_ids import name_and_label, picture_id
from train.evaluation import storage
from train.evaluation.audit import audit
from train.training.config import AugmentationConfig
from ui.common.explorer_data import data_place
from ui.common.layout import plain
from ui.common.settings import ALL_KEYS
from ui.dataset.browser import choose_model
from ui.dataset.sections import SECTIONS
from ui.dataset.tiles import AS_STORED


@pytest.fixture
def bare(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page before its first run, on a machine without the data set."""
    monkeypatch.delenv("FER2013", raising=False)
    monkeypatch.delenv("FERPLUS", raising=False)
    return app.switch_page("pages/5_Data_set.py")


@pytest.fixture(scope="module")
def _audit_of_tiny(tiny_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = np.zeros((len(tiny_set), 10), np.int64)
    counts[:, 3] = 10
    counts[3] = 0, 0, 0, 0, 0, 0, 0, 0, 4, 6
    found = audit(tiny_set, Votes(dict(zip(tiny_set.ids.tolist(), counts, strict=True))))
    folder = tmp_path_factory.mktemp("audit")
    storage.write_audit(found, folder)
    return folder


@pytest.fixture
def tiny_audit(_audit_of_tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An audit of the tiny set in the place of the stored one, with votes of our own."""
    monkeypatch.setattr(storage, "AUDIT_DIR", _audit_of_tiny)
    return _audit_of_tiny


@pytest.fixture
def page(
    tiny_audit: Path, bare: AppTest, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AppTest:
    """The page before its first run, with a small part of the data set, and its audit."""
    monkeypatch.setenv("FER2013", str(tiny_folder))
    return bare


def begin(app: AppTest, section: str) -> AppTest:
    """Run the page, at once in a section."""
    app.session_state["dataset-section-kept"] = section
    return app.run()


def turn(app: AppTest, section: str) -> AppTest:
    """Turn to another section, as visitors do."""
    return app.segmented_control(key="dataset-section").set_value(section).run()


def test_strangers_name_no_files(
    page: AppTest, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.run()
    assert len(page.text_input) == 2
    assert page.text_input[0].value == str(tiny_folder)
    monkeypatch.setenv("FER_PUBLIC", "1")
    app = page.run()
    assert not app.exception and not app.text_input
    # Neither is it told to them; the pictures are there nevertheless.
    assert str(tiny_folder) not in "".join(str(element.value) for element in app.caption)
    assert app.warning


def grids(app: AppTest) -> list[dict[str, Any]]:
    """Return what the grids of pictures were given."""
    return [json.loads(grid.proto.json) for grid in app.main.get("bidi_component")]


def tiles(app: AppTest, number: int = 0) -> list[dict[str, Any]]:
    return [tile for group in grids(app)[number]["groups"] for tile in group["tiles"]]


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def open_picture(app: AppTest, name: str, emotion: str) -> AppTest:
    """Do what a click on a tile does."""
    from ui.common.opened_picture import Opened

    picture = picture_id(name, emotion)
    app.session_state["dataset-open"] = Opened(picture, (picture,))
    return app.run()


@pytest.mark.parametrize("section", SECTIONS)
def test_without_the_data_set_every_section_says_what_it_can(bare: AppTest, section: str) -> None:
    app = begin(bare, section)
    assert not app.exception and not app.error
    if section in ("Overview", "Mean faces"):
        assert "python -m train download" in texts(app)
    if section in ("Augmentation", "Pipeline"):
        assert "dataset" not in app.segmented_control(key=f"{_key(section)}-kind").options
        assert app.get("image")


def _key(section: str) -> str:
    return {"Augmentation": "augment", "Pipeline": "pipeline"}[section]


def test_without_the_data_set_the_browser_shows_names(bare: AppTest) -> None:
    app = begin(bare, "Browse")
    (grid,) = grids(app)
    assert grid["atlas"] == "" and len(tiles(app)) == 60
    assert all(tile["lines"][0] == tile["title"].split(" · ")[0] for tile in tiles(app))
    assert "of 35,887 pictures" in texts(app)


def test_without_the_data_set_the_counts_are_the_published_ones(bare: AppTest) -> None:
    table = begin(bare, "Overview").dataframe[0].value
    assert table["Training"].tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965, 28709]


@pytest.mark.parametrize("section", SECTIONS)
def test_with_the_data_set_every_section_works(page: AppTest, section: str) -> None:
    app = begin(page, section)
    assert not app.exception and not app.error
    # The sidebar has what acts on it, and what is there has no second control.
    radios = {radio.key for radio in app.sidebar.radio}
    assert radios == set(ALL_KEYS) & set(SECTIONS[section].settings)
    assert "Network" not in [control.label for control in app.segmented_control]
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    assert (AS_STORED in texts(app)) == (section in ("Browse", "Map"))


def test_a_pictures_own_page_and_its_section_follow_the_sidebar(page: AppTest) -> None:
    app = begin(page, "Browse")
    app = app.radio(key="classes").set_value("fer6").run()
    assert not any("→ disgust" in line for tile in tiles(app) for line in tile["lines"])
    app = open_picture(app, *tiles(app)[-1]["title"].split(" · "))
    assert [radio.key for radio in app.sidebar.radio] == ["classes"]
    assert app.radio(key="classes").value == "fer6"


@pytest.mark.parametrize(
    ("names", "control", "shown"),
    [
        (("fer7", "fer6"), [], "fer6"),
        (("fer7", "fer6", "mine"), ["fer6", "mine"], "fer6"),
        (("fer7", "mine"), ["fer7", "mine"], "fer7"),
        (("fer7",), [], "fer7"),
    ],
)
def test_networks_of_ones_own_can_be_chosen_beside_the_sidebars(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], control: list[str], shown: str
) -> None:
    offered: list[str] = []

    def draw(_: str, options: list[str], *, default: str, **more: object) -> str:
        offered.extend(options)
        return default

    monkeypatch.setattr("ui.dataset.browser.st.segmented_control", draw)
    found = SimpleNamespace(predictions=dict.fromkeys(names))
    assert choose_model(found, "fer6", key="any") == shown
    assert offered == control


def test_a_place_is_given_by_hand(bare: AppTest, tiny_folder: Path) -> None:
    bare.run().text_input[0].set_value(str(tiny_folder))
    app = button(bare, "Use").click().run()
    assert not app.exception
    assert ["not the whole FER-2013: 280 pictures" in w.value for w in app.warning] == [True]
    assert plain("Training/happy: 24 pictures instead of 7215.") in texts(app)
    assert grids(turn(app, "Browse"))[0]["atlas"].startswith("data:image/png")


def test_a_place_is_read_below_its_button(
    bare: AppTest, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its spinner is seen; the next run finds it read."""
    read: list[Path | None] = []
    monkeypatch.setattr("ui.dataset.source.dataset", lambda: read.append(data_place()))
    bare.run().text_input[0].set_value(str(tiny_folder))
    button(bare, "Use").click().run()
    assert read == [tiny_folder]


@pytest.mark.parametrize("name", ["nowhere", "text.csv", "broken.zip"])
def test_a_wrong_place_is_one_sentence(bare: AppTest, tmp_path: Path, name: str) -> None:
    if name != "nowhere":
        (tmp_path / name).write_text("This is no data set.")
    bare.run().text_input[0].set_value(str(tmp_path / name))
    app = button(bare, "Use").click().run()
    assert not app.exception and len(app.error) == 1
    assert not turn(app, "Augmentation").exception


def test_a_place_that_is_none_leaves_the_form_usable(
    bare: AppTest, tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def refuse(path: Any, **options: Any) -> os.stat_result:
        if str(path).endswith("locked/x"):
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refuse)
    app = bare.run()
    for name in ("~nosuchuser/x", "a" * 300, "/dev/zero", "locked/x"):
        place = name if name.startswith("~") else str(tmp_path / name)
        app.text_input[0].set_value(place)
        app.text_input[1].set_value(place)
        app = button(app, "Use").click().run()
        assert not app.exception, name
        assert len(app.error) == 2, name
        assert all(error.value.count("\n") == 0 for error in app.error), name
        assert not turn(app, "Browse").exception, name
        app = turn(app, "Overview")
    app.text_input[0].set_value(str(tiny_folder))
    app.text_input[1].set_value("")
    app = button(app, "Use").click().run()
    assert not app.exception and not app.error
    assert "280 pictures" in texts(app)


def test_fer2013_csv_is_shown_without_what_is_stored(
    bare: AppTest, tiny_set: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tiny_set.where(np.arange(0, len(tiny_set), 4))
    with (tmp_path / "fer2013.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for face, label, split in zip(part.faces_gray, part.labels, part.splits, strict=True):
            writer.writerow([label, " ".join(map(str, face.ravel())), split])
    monkeypatch.setenv("FER2013", str(tmp_path / "fer2013.csv"))
    app = begin(bare, "Browse")
    assert not app.exception and len(tiles(app)) == 60
    # A row's number may be another picture's in the files: nothing that is stored belongs here.
    assert not any("→" in line for tile in tiles(app) for line in tile["lines"])
    app = open_picture(app, *tiles(app)[0]["title"].split(" · "))
    assert not app.exception
    assert len(charts(app)) == 2, "both networks read the picture now"


def test_filters_and_order(page: AppTest) -> None:
    app = begin(page, "Browse")
    assert "**280** of 280 pictures" in texts(app)
    app = app.pills(key="filter-emotions").set_value(["fear"]).run()
    assert "**40** of 280 pictures" in texts(app)
    app = app.pills(key="filter-splits").set_value(["PublicTest"]).run()
    assert "**8** of 280 pictures" in texts(app)
    assert {tile["lines"][0] for tile in tiles(app)} == {"fear"}
    assert all(tile["title"].startswith("PublicTest_") for tile in tiles(app))
    app = app.selectbox(key="browser-order").set_value("confidence").run()
    shown = [int(tile["lines"][1].rpartition(" ")[2].rstrip("%")) for tile in tiles(app)]
    assert shown == sorted(shown, reverse=True)
    wrong = app.segmented_control(key="filter-result").set_value("wrong").run()
    assert all("→ fear" not in tile["lines"][1] for tile in tiles(wrong))
    app = button(wrong, "Reset filters").click().run()
    assert "**280** of 280 pictures" in texts(app) and not app.exception
    assert app.pills(key="filter-emotions").value == []


def test_filters_by_quality_and_crowd(page: AppTest) -> None:
    app = begin(page, "Browse")
    app = app.slider(key="filter-brightness").set_value((0, 100)).run()
    dark = len(tiles(app))
    assert 0 < dark < 60 or f"**{dark}**" not in texts(app)
    app = button(app, "Reset filters").click().run()
    app = app.selectbox(key="filter-says").set_value("label").run()
    assert {tile["lines"][0] for tile in tiles(app)} == {"sad"}
    app = app.selectbox(key="filter-says").set_value("none").run()
    assert "**1** of 280 pictures" in texts(app)


def test_no_picture_passes(page: AppTest) -> None:
    app = begin(page, "Browse")
    app = app.slider(key="filter-sharpness").set_value((700, 700)).run()
    assert not app.exception and "**0** of 280" in texts(app) and not grids(app)


def test_pages_are_turned(page: AppTest) -> None:
    app = begin(page, "Browse")
    first = tiles(app)
    app = button(app, "Next page").click().run()
    assert app.number_input[0].value == 2 and tiles(app) != first
    app = app.number_input[0].set_value(5).run()
    assert len(tiles(app)) == 280 - 4 * 60
    assert button(app, "Next page").disabled
    app = app.pills(key="filter-emotions").set_value(["sad"]).run()
    assert len(tiles(app)) == 40, "a filter turns back to the first page"


def test_the_section_and_the_filters_outlive_a_change_of_page(page: AppTest) -> None:
    app = turn(page.run(), "Browse").pills(key="filter-emotions").set_value(["disgust"]).run()
    app = app.switch_page("app.py").run().switch_page("pages/5_Data_set.py").run()
    assert app.segmented_control(key="dataset-section").value == "Browse"
    assert "**40** of 280 pictures" in texts(app)


def test_a_pictures_own_page(page: AppTest, tiny_set: FaceSet) -> None:
    position = int(np.flatnonzero(tiny_set.splits == "PublicTest")[0])
    emotion = FER7.labels[tiny_set.labels[position]]
    app = open_picture(begin(page, "Browse"), str(tiny_set.names[position]), emotion)
    assert not app.exception
    assert app.main.header[0].value == plain(f"{tiny_set.names[position]}, labelled {emotion}")
    assert [len(chart["data"][0]["y"]) for chart in charts(app)] == [7, 6]
    assert "**sad**, has 100% of the votes" in texts(app)
    assert len(app.get("image")) == 1
    app = button(app, "Back to the list").click().run()
    assert not app.main.header and len(tiles(app)) == 60


def test_a_picture_without_the_data_set_has_probabilities_and_neighbours(bare: AppTest) -> None:
    app = begin(bare, "Browse")
    app = open_picture(app, *tiles(app)[0]["title"].split(" · "))
    assert not app.exception and not app.get("image")
    assert "python -m train download" in texts(app) and AS_STORED in texts(app)
    assert len(charts(app)) == 2
    neighbours = tiles(app, -1)
    assert len(neighbours) == 8
    similarities = [float(tile["lines"][-1]) for tile in neighbours]
    assert similarities == sorted(similarities, reverse=True)


def test_doubles_are_on_a_pictures_page(page: AppTest, tiny_audit: Path) -> None:
    found = storage.read_audit(tiny_audit)
    position = int(np.flatnonzero(found.identical >= 0)[0])
    app = open_picture(page, str(found.names[position]), str(found.emotions[position]))
    others = np.flatnonzero(found.near == found.near[position]).tolist()
    shown = [tile["title"] for tile in tiles(app, 0)]
    assert shown == [f"{found.names[p]} · {found.emotions[p]}" for p in others if p != position]
    assert any("identical" in tile["lines"] for tile in tiles(app, 0))


def test_leafing_through_a_list(page: AppTest, tiny_set: FaceSet) -> None:
    from ui.common.opened_picture import Opened

    ids = tuple(tiny_set.ids[:3].tolist())
    page.session_state["dataset-open"] = Opened(ids[0], ids)
    app = button(page.run(), "Previous picture").click().run()
    assert app.main.header[0].value == plain(", labelled ".join(name_and_label(ids[2])))
    app = button(app, "Next picture").click().run()
    assert app.main.header[0].value == plain(", labelled ".join(name_and_label(ids[0])))
    assert not turn(app, "Browse").main.header, "another section closes the picture"


def test_votes_are_drawn(page: AppTest, tiny_set: FaceSet, tmp_path: Path) -> None:
    emotion = FER7.labels[tiny_set.labels[0]]
    header = "image,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    row = f"train/{emotion}/{tiny_set.names[0]}.jpg,1,2,0,7,0,0,0,0,0,0"
    (tmp_path / "ferplus.csv").write_text(f"{header}\n{row}\n")
    page.run().text_input[1].set_value(str(tmp_path / "ferplus.csv"))
    app = button(page, "Use").click().run()
    assert "votes on 1 pictures are here" in texts(app)
    app = open_picture(app, str(tiny_set.names[0]), emotion)
    assert charts(app)[-1]["data"][0]["text"][:4] == ["10%", "20%", "0%", "70%"]


def test_broken_votes_are_one_sentence(page: AppTest, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("a,b\n1,2\n")
    page.run().text_input[1].set_value(str(tmp_path / "votes.csv"))
    app = button(page, "Use").click().run()
    assert ["has no columns" in error.value for error in app.error] == [True]


def test_the_audit(page: AppTest, tiny_audit: Path) -> None:
    found = storage.read_audit(tiny_audit)
    app = begin(page, "Audit")
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Duplicates"] == f"{found.summary.near_pictures:,}"
    assert figures["Test pictures leaked"] == f"{found.summary.leaked:,}"
    assert len(tiles(app)) == found.summary.identical_pictures
    app = app.segmented_control(key="audit-finding").set_value("no face").run()
    assert len(tiles(app)) == found.summary.no_face
    assert AS_STORED not in texts(app)
    app = app.segmented_control(key="audit-finding").set_value("labels").run()
    assert AS_STORED in texts(app)
    app = app.segmented_control(key="audit-source").set_value("crowd").run()
    assert all("→ sad 1.00" in tile["lines"] for tile in tiles(app))


def test_the_stored_audit_counts_what_was_published(bare: AppTest) -> None:
    figures = {metric.label: metric.value for metric in begin(bare, "Audit").metric}
    assert figures["Duplicates"] == "6,194" and "1,516 of them with identical" in texts(bare)
    assert figures["Disputed labels"] == "32%"
    assert figures["Test pictures leaked"] == "568"


def test_the_page_begins_with_what_needs_no_pictures(bare: AppTest) -> None:
    """And its address says which section is shown."""
    order = [element.type for element in bare.run().main]
    assert order.index("metric") < order.index("plotly_chart") < order.index("text_input")
    assert "**32 of a hundred labels are disputed**" in texts(bare)
    assert address(turn(bare, "Audit"))["section"] == "Audit"
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    other.query_params["section"] = "Map"
    other = other.switch_page("pages/5_Data_set.py").run()
    assert other.segmented_control(key="dataset-section").value == "Map"


def test_no_audit_is_said(bare: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(storage, "AUDIT_DIR", tmp_path)
    app = begin(bare, "Audit")
    assert not app.exception and "python -m train audit" in app.info[0].value
    assert not turn(app, "Browse").exception


def test_a_damaged_audit_stops_nothing(
    bare: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / storage.AUDIT_FILE).write_text("This is no table.")
    monkeypatch.setattr(storage, "AUDIT_DIR", tmp_path)
    for section in ("Overview", "Browse", "Audit"):
        assert not begin(bare, section).exception
    assert "cannot be read" in texts(begin(bare, "Overview"))


def test_the_map_has_all_test_pictures(bare: AppTest) -> None:
    (chart,) = charts(begin(bare, "Map"))
    assert {trace["type"] for trace in chart["data"]} == {"scattergl"}
    shown = sum(
        int(t["name"].rpartition("(")[2].rstrip(")").replace(",", "")) for t in chart["data"]
    )
    assert shown == 2 * 3589


def test_every_slider_changes_the_grid(page: AppTest) -> None:
    app = button(begin(page, "Augmentation"), "Nothing").click().run()
    nothing = grid_picture(app)
    for name, value in (
        ("rotation_deg", 40.0),
        ("shift", 0.4),
        ("zoom", 0.5),
        ("shear_deg", 30.0),
        ("crop_px", 12),
        ("gamma", 0.9),
        ("blur_probability", 1.0),
        ("noise_probability", 1.0),
        ("erase_probability", 1.0),
    ):
        app = app.slider(key=f"augment-{name}").set_value(value).run()
        assert grid_picture(app) != nothing, name
        # Together with the next one's.
        app.slider(key=f"augment-{name}").set_value(type(value)(0))
    assert grid_picture(app.run()) == nothing


def grid_picture(app: AppTest) -> str:
    return app.get("image")[-1].value[0]


def test_flip_and_draw_again_change_the_grid(page: AppTest) -> None:
    app = button(begin(page, "Augmentation"), "Nothing").click().run()
    plain = grid_picture(app)
    app = button(app, "Draw again").click().run()
    assert grid_picture(app) == plain, "nothing is drawn where nothing is varied"
    app = app.toggle(key="augment-flip").set_value(True).run()
    flipped = grid_picture(app)
    assert flipped != plain
    assert grid_picture(button(app, "Draw again").click().run()) != flipped


def test_sliders_outlive_other_sections_and_pages(page: AppTest) -> None:
    app = begin(page, "Augmentation").slider(key="augment-rotation_deg").set_value(33.0).run()
    app = turn(turn(app, "Browse"), "Augmentation")
    assert app.slider(key="augment-rotation_deg").value == 33
    app = app.switch_page("app.py").run().switch_page("pages/5_Data_set.py").run()
    assert app.slider(key="augment-rotation_deg").value == 33


@pytest.mark.parametrize(("name", "title"), [("fer7", "7 emotions"), ("fer6", "6 emotions")])
def test_presets_are_what_was_trained_with(page: AppTest, name: str, title: str) -> None:
    config = json.loads((MODELS_DIR / name / "config.json").read_text())
    trained = AugmentationConfig(**config["members"][0]["training"]["augmentation"])
    app = begin(page, "Augmentation")
    assert app.slider(key="augment-rotation_deg").value > 0
    app = button(app, "Nothing").click().run()
    assert drawn(app) == AugmentationConfig()
    app = button(app, f"As “{title}” was trained").click().run()
    assert drawn(app) == trained


def drawn(app: AppTest) -> AugmentationConfig:
    """What the section varies, read off its sliders and its toggle: every field has one."""
    widgets = {
        field: app.toggle if field == "flip" else app.slider
        for field in AugmentationConfig.model_fields
    }
    return AugmentationConfig(
        **{field: find(key=f"augment-{field}").value for field, find in widgets.items()}
    )


def test_the_pipeline_of_a_photo(bare: AppTest) -> None:
    app = begin(bare, "Pipeline")
    shown = texts(app)
    for step in ("1 · Detect", "2 · Align", "3 · Resize and normalise", "4 · Classify"):
        assert step in shown
    assert len(app.get("image")) == 4 and len(charts(app)) == 2


def test_the_pipeline_of_a_data_set_picture(
    page: AppTest, yunet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_YUNET", str(yunet_file))
    app = begin(page, "Pipeline")
    assert app.segmented_control(key="pipeline-kind").value == "dataset"
    assert len(charts(app)) == 3, "the picture itself is read too"
    before = [image.value[0] for image in app.get("image")]
    app = app.selectbox(key="pipeline-emotion").set_value("surprise").run()
    assert [image.value[0] for image in app.get("image")] != before
    assert "labelled surprise" in app.get("image")[0].proto.imgs[0].caption


Photo = Callable[[str, bytes], AppTest]


@pytest.fixture
def own_photo(bare: AppTest) -> Photo:
    def run(name: str, content: bytes) -> AppTest:
        app = (
            begin(bare, "Pipeline").segmented_control(key="pipeline-kind").set_value("upload").run()
        )
        return app.file_uploader[0].set_value([(name, content, "image/jpeg")]).run()

    return run


def test_an_own_photo(own_photo: Photo) -> None:
    app = own_photo("me.jpg", SAMPLE.read_bytes())
    assert not app.exception and not app.error and len(charts(app)) == 2


def test_an_own_photo_is_decoded_once(own_photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    app = own_photo("me.jpg", SAMPLE.read_bytes())

    def decode(*_: object) -> None:
        pytest.fail("it was decoded again")

    monkeypatch.setattr("ui.dataset.faces.read_image", decode)
    assert not app.run().exception


def test_a_photo_without_a_face(own_photo: Photo) -> None:
    content = io.BytesIO()
    Image.new("RGB", (320, 240), "grey").save(content, "JPEG")
    app = own_photo("grey.jpg", content.getvalue())
    assert not app.exception and "no face" in app.info[0].value


def test_a_file_that_is_no_photo(own_photo: Photo) -> None:
    app = own_photo("_fake_.jpg", b"This is no picture.")
    assert not app.exception
    assert [r"\_fake\_" in error.value for error in app.error] == [True]
