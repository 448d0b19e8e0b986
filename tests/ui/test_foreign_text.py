"""Names that visitors bring are shown as they are, wherever a page draws them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from tests.train.zips import png, zip_of
from tests.ui.conftest import ROOT, SAMPLE, until
from ui.common.layout import plain
from ui.metrics.own_runs import OwnRun

# In the hostile name, to find it by.
MARK = "qq"
NAME = (
    f"![x](https:host) [click](https:host) $x^2$ **bold** :red[x] :smile: :material/home: "
    f":material_home: :streamlit: <b>b</b> www.host.example a@host.example {MARK}"
)
# What the browser shows without reading Markdown in it, or does not show at all.
PLAIN_FIELDS = {"alt", "default", "file_name", "id", "json", "name", "options", "value"}


def fields(message: Message) -> Iterator[tuple[str, str]]:
    """Yield the names and contents of a message's texts, also those further inside."""
    for field, value in message.ListFields():
        for item in list(value) if field.is_repeated else [value]:
            if isinstance(item, Message):
                yield from fields(item)
            elif isinstance(item, str):
                yield field.name, item


def drawn(app: AppTest) -> list[tuple[str, str]]:
    """Return the names and contents of all texts of a page."""
    found: list[tuple[str, str]] = []

    def walk(node) -> None:
        if isinstance(proto := getattr(node, "proto", None), Message):
            found.extend(fields(proto))
        for child in getattr(node, "children", {}).values():
            walk(child)

    walk(app._tree)
    return found


def metrics_part(app: AppTest, part: str) -> AppTest:
    app.session_state["metrics-part-kept"] = part
    return app.run()


def everything(app: AppTest) -> list[str]:
    return [text for _, text in drawn(app)]


def shown(app: AppTest) -> list[str]:
    """Return the texts that Markdown reads and that have the hostile name in them."""
    return [text for field, text in drawn(app) if MARK in text and field not in PLAIN_FIELDS]


def assert_shown_as_it_is(app: AppTest, least: int) -> None:
    """Check that a page shows the hostile name, so many times at least, and never as Markdown."""
    assert not app.exception
    texts = shown(app)
    assert len(texts) >= least
    for text in texts:
        assert MARK not in text.replace(plain(NAME), ""), text


def test_every_character_of_a_name_is_shown() -> None:
    assert re.sub(r"\\(.)", r"\1", plain(NAME)).replace("\u2060", "") == NAME
    # What is found in Markdown that was read already is parted.
    assert not re.search(r":\\?[\w/]|@\\?\w|www\\?\.", plain(NAME))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\n# b\tc", "a \\# b c"),
        ("\u202egpj.exe\x07", "gpj\\.exe"),
        ("b\udcff.jpg", "b\\?\\.jpg"),
        ("x -> y -- z", "x \\-\u2060\\> y \\-\u2060\\- z"),
        ("at 12:30, on: off", "at 12\\:\u206030\\, on\\: off"),
        ("👩‍🚀 ünï", "👩‍🚀 ünï"),
        ("", ""),
    ],
)
def test_what_no_name_needs_is_left_out(text: str, escaped: str) -> None:
    assert plain(text) == escaped


def test_names_of_photos(photo_page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"{NAME}.jpg", SAMPLE.read_bytes()), (f"{NAME}2.jpg", b"no picture")]
    uploads = [(name, content, "image/jpeg") for name, content in files]
    app = photo_page.file_uploader[0].set_value(uploads).run()
    # On the sheet no name is Markdown.
    assert_shown_as_it_is(app, 0)
    app = app.button_group(key="photo-view").set_value("One photo").run()
    assert_shown_as_it_is(app, 1)
    app = next(button for button in app.button if button.label == "Next").click().run()
    assert app.error
    assert_shown_as_it_is(app, 2)
    app = app.button_group(key="photo-view").set_value("Compare two").run()
    assert_shown_as_it_is(app, 1)
    monkeypatch.setattr("ui.photo.shelf.room_for_one", lambda: 10)
    app = app.file_uploader[0].set_value([(f"{NAME}3.jpg", bytes(20), "image/jpeg")]).run()
    assert app.warning
    assert_shown_as_it_is(app, 2)


def test_names_of_a_video(app: AppTest, clip: bytes) -> None:
    app = app.switch_page("pages/2_Video.py").run()
    app = app.file_uploader[0].set_value((f"{NAME}.mp4", b"no video", "video/mp4")).run()
    assert app.error
    assert_shown_as_it_is(app, 1)
    app = app.file_uploader[0].set_value((f"{NAME}.mp4", clip, "video/mp4")).run()
    assert_shown_as_it_is(app, 1)


def test_names_of_an_archive_and_its_entries(app: AppTest) -> None:
    face = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    content = zip_of({f"happy/{NAME}.png": png(face), f"sad/{NAME}.png": b"no picture"})
    app = app.switch_page("pages/4_Metrics.py").run()
    app = metrics_part(app, "own")
    app.file_uploader[0].set_value((f"{NAME}.zip", content, "application/zip")).run()
    app.radio(key="own-how").set_value("Face crops: read them as they are").run()
    next(button for button in app.button if button.label.startswith("Measure")).click().run()
    run: OwnRun = app.session_state["metrics-own-run"]
    until(lambda: run.job.over)
    app.run()
    verdicts, key = run.job.result.verdicts, f"own-confusion-{run.key}"
    app.selectbox(key=f"{key}-true").select("happy")
    app.selectbox(key=f"{key}-predicted").select(verdicts.said[0]).run()
    app.session_state[f"{key}-cell-picked"] = str(verdicts.ids[0])
    # The archive's name over the figures, the entry's under its picture.
    assert_shown_as_it_is(app.run(), 2)


def test_names_of_a_photo_that_is_varied(app: AppTest) -> None:
    photo = (f"{NAME}.jpg", SAMPLE.read_bytes(), "image/jpeg")
    app = app.switch_page("pages/4_Metrics.py").run()
    app = metrics_part(app, "robustness")
    app = app.segmented_control(key="spoil-source").set_value("Your photo").run()
    app = app.file_uploader[0].set_value(photo).run()
    assert_shown_as_it_is(app, 1)
    app = app.switch_page("pages/5_Data_set.py").run()
    for section, key in (("Augmentation", "augment"), ("Pipeline", "pipeline")):
        app = app.segmented_control(key="dataset-section").set_value(section).run()
        app = app.segmented_control(key=f"{key}-kind").set_value("Your photo").run()
        app = app.file_uploader[0].set_value(photo).run()
        assert_shown_as_it_is(app, 1)


def test_names_of_places(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER2013", f"/data/{NAME}")
    monkeypatch.setenv("FERPLUS", f"/votes/{NAME}.csv")
    app = app.switch_page("pages/5_Data_set.py").run()
    assert len(app.error) == 2
    assert_shown_as_it_is(app, 2)
    app = app.switch_page("pages/4_Metrics.py").run()
    app = metrics_part(app, "why")
    assert_shown_as_it_is(app, 1)


def test_strangers_see_no_folder_of_the_server(
    home: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_PUBLIC", "1")
    for variable in ("FER2013", "FERPLUS", "FER_YUNET", "FER_ARCHIVE"):
        monkeypatch.setenv(variable, f"/secret folder/{variable}.{MARK}")
    app = home.switch_page("pages/5_Data_set.py").run()
    assert app.error and not app.text_input
    assert any(MARK in text for text in everything(app))
    for page, key, section in (
        ("5_Data_set", "dataset-section", "Map"),
        ("4_Metrics", "metrics-part", "why"),
        ("4_Metrics", "metrics-part", "confusions"),
        ("1_Photo", "", ""),
        ("2_Video", "", ""),
        ("6_Archive", "", ""),
    ):
        if key:
            app.session_state[f"{key}-kept"] = section
        app = app.switch_page(f"pages/{page}.py").run()
        told = [text for text in everything(app) if "/secret" in text or str(ROOT) in text]
        assert not app.exception and not told


# What draws text that the browser reads as Markdown, and the place of the text.
DRAWING = {
    **dict.fromkeys(("button", "caption", "checkbox", "error", "expander", "header", "info"), 0),
    **dict.fromkeys(("markdown", "metric", "popover", "radio", "spinner", "status", "toast"), 0),
    **dict.fromkeys(("subheader", "success", "tabs", "title", "toggle", "warning", "write"), 0),
    **dict.fromkeys(("image", "progress"), 1),
}
# What names, and sentences that may hold some, are called in the pages.
FOREIGN = re.compile(
    r"(^name|\.name|\.names?\[.*\]|\.archive|\.refused|^title_of\(.*\)|^str\(error\)"
    r"|(^|[._])(error|fault|problem|damage|sentence))$"
)
SAFE = {"plain", "without_paths", "model_title"}


def unprotected(node: ast.AST) -> Iterator[str]:
    """Yield what is foreign in what is drawn and does not go through ``plain``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAFE:
        return
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return  # A number.
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).isupper():
        return  # One of the app's own words.
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    if isinstance(node, ast.expr) and FOREIGN.search(ast.unparse(node)):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from unprotected(child)


def test_no_page_draws_a_name_as_markdown() -> None:
    found = []
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = DRAWING.get(getattr(getattr(call, "func", None), "attr", ""))
            if isinstance(call, ast.Call) and place is not None and len(call.args) > place:
                where = f"{path.relative_to(ROOT)}, line {call.lineno}"
                found += [f"{where}: {text}" for text in unprotected(call.args[place])]
    assert not found
