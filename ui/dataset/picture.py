"""One picture's own page: its pixels, what everybody says of it, and its like."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fer_core.classifier import MODELS_DIR, EmotionClassifier
from fer_core.errors import ModelError
from fer_core.labels import CLASS_SETS
from fer_core.readings import LABELS
from train.data.ferplus import ANSWERS
from train.data.picture_ids import name_and_label
from train.evaluation.records import Audit, Features
from ui.common.bars import dot
from ui.common.charts import CHART_CONFIG, bars_in_words, probability_bars
from ui.common.explorer_data import PICTURES_NEEDED, model_names, model_title, stored
from ui.common.images import enlarged
from ui.common.layout import plain
from ui.common.opened_picture import Opened, close_picture, open_picture
from ui.common.public import without_paths
from ui.common.resources import get_classifier
from ui.dataset.browser import choose_model
from ui.dataset.rows import neighbours_of
from ui.dataset.state import Collection, votes
from ui.dataset.tiles import AS_STORED, SPLIT_NAMES, Shown, said_of, show_tiles

_SHOWN_SIDE = 8 * 48
_MOST_LIKE = 24
_NO_FACE = {
    "blank": "It is blank: it has hardly any contrast.",
    "crowd": "FER+'s crowd took it for no face, or its makers left it out.",
    "detector": "YuNet sees hardly any sign of a face in it.",
}


def show_picture(found: Collection, shown: Opened, chosen_model: str) -> None:
    """Draw the page.

    Args:
        found: What is known of the pictures.
        shown: The picture, and those to leaf through.
        chosen_model: The model whose neighbours come first.
    """
    name, emotion = name_and_label(shown.picture)
    _ways_out(shown)
    split = SPLIT_NAMES.get(name.partition("_")[0], "")
    st.header(plain(f"{name}, labelled {emotion}"), anchor=False)
    row = found.rows.index.position_of(shown.picture)
    if row < 0:
        st.info("This picture is not among those that are here.", icon=":material/info:")
        return
    face = found.face_of(shown.picture)
    picture, opinions = st.columns([2, 3], gap="large")
    with picture:
        if face is None:
            st.info(PICTURES_NEEDED, icon=":material/image_not_supported:")
        else:
            st.image(
                enlarged(face, _SHOWN_SIDE),
                f"{split}, 48×48 pixels, enlarged",
                alt=f"{name}, {emotion}",
            )
        if found.audit is not None and found.rows.audited[row] >= 0:
            _findings(found.audit, int(found.rows.audited[row]))
    with opinions:
        _opinions(found, row, face)
        _crowd(found, row)
    _near(found, row)
    _neighbours(found, row, chosen_model)


def _ways_out(shown: Opened) -> None:
    ids = shown.others
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back to the list", icon=":material/arrow_back:", on_click=close_picture, type="primary"
        )
        if shown.picture not in ids or len(ids) < 2:
            return
        place = ids.index(shown.picture)
        for label, icon, step in (
            ("Previous picture", ":material/chevron_left:", -1),
            ("Next picture", ":material/chevron_right:", 1),
        ):
            target = ids[(place + step) % len(ids)]
            st.button(label, icon=icon, on_click=open_picture, args=(target, ids))
        st.caption(f"{place + 1} of {len(ids)} in the list")


def _findings(audit: Audit, position: int) -> None:
    st.caption(
        f"Brightness {audit.brightness[position]:.0f} of 255, contrast "
        f"{audit.contrast[position]:.0f}, sharpness {audit.sharpness[position]:,.0f}"
    )
    sign = str(audit.no_face[position])
    if sign:
        st.warning(_NO_FACE.get(sign, "It may be no face."), icon=":material/no_photography:")
    if audit.near_leaked[position]:
        st.warning("A test picture with a double in Training.", icon=":material/content_copy:")


def _opinions(found: Collection, row: int, face: NDArray[np.uint8] | None) -> None:
    """Draw every model's probabilities: the stored ones, else read from the picture now."""
    emotion = str(found.rows.emotions[row])
    for column, name in zip(st.columns(len(model_names())), model_names(), strict=True):
        opinion = found.rows.opinions.get(name)
        with column:
            if opinion is not None and opinion.said[row]:
                labels, probabilities = opinion.labels, opinion.probabilities[row]
            elif face is not None and (classifier := _classifier(name)) is not None:
                labels, probabilities = classifier.labels, classifier.predict([face])[0]
            else:
                st.caption(f"**{model_title(name)}**: nothing is stored on this picture.")
                continue
            predicted = labels[int(probabilities.argmax())]
            verdict = "right" if predicted == emotion else "wrong"
            known = verdict if emotion in labels else "does not know the label"
            st.markdown(
                f"**{model_title(name)}**: {dot(predicted)} {predicted} — {known}",
                unsafe_allow_html=True,
            )
            st.plotly_chart(
                probability_bars(labels, probabilities),
                key=f"opinion-{name}",
                config=CHART_CONFIG,
                alt=f"Probabilities: {bars_in_words(labels, probabilities)}",
            )
    if any(opinion.said[row] for opinion in found.rows.opinions.values()):
        st.caption(AS_STORED)


def _classifier(name: str) -> EmotionClassifier | None:
    try:
        known = name in CLASS_SETS or (MODELS_DIR / name).is_dir()
        return get_classifier(name, LABELS) if known else None
    except ModelError:
        return None


def _crowd(found: Collection, row: int) -> None:
    st.markdown("**FER+'s crowd**")
    given, fault = votes()
    if given is not None:
        counts = given.of(found.rows.ids[[row]])[0]
        if counts.sum():
            shares = (counts / counts.sum()).astype(np.float32)
            st.plotly_chart(
                probability_bars(ANSWERS, shares),
                key="crowd",
                config=CHART_CONFIG,
                alt=f"Shares of the votes: {bars_in_words(ANSWERS, shares)}",
            )
            st.caption(f"{counts.sum()} voters")
        else:
            st.caption("FER+ has no votes on this picture.")
        return
    audit, position = found.audit, int(found.rows.audited[row])
    if audit is None or position < 0 or np.isnan(audit.crowd_share[position]):
        st.caption(plain(fault) or "No votes on this picture are known.")
        return
    chosen = str(audit.crowd_emotion[position]) or "no emotion of FER-2013, or a tie"
    st.markdown(
        f"The most chosen answer, **{chosen}**, has {audit.crowd_share[position]:.0%} of the "
        f"votes; the label has {audit.label_share[position]:.0%}."
    )
    st.caption("With `ferplus.csv`, all ten answers are shown: *Overview* asks for it.")


def _near(found: Collection, row: int) -> None:
    audit, position = found.audit, int(found.rows.audited[row])
    if audit is None or position < 0 or audit.near[position] < 0:
        return
    like = np.flatnonzero(audit.near == audit.near[position])
    like = like[like != position]
    st.markdown(f"**Duplicates and near duplicates** ({len(like)})")
    shows = []
    ids = audit.ids
    for other in like[:_MOST_LIKE]:
        same = audit.identical[other] >= 0 and audit.identical[other] == audit.identical[position]
        lines = SPLIT_NAMES[audit.splits[other]], "identical" if same else "near"
        shows.append(Shown(str(ids[other]), lines))
    show_tiles(found, [("", shows)], key="near")


def _neighbours(found: Collection, row: int, chosen_model: str) -> None:
    st.markdown("**Neighbours in the network's feature space**")
    model = choose_model(found, chosen_model, key="neighbours-model")
    if model is None:
        st.caption("No model's predictions are stored.")
        return
    try:
        features = stored(Features, model)
    except ModelError as error:
        st.caption(without_paths(str(error)))
        return
    rows, similarities = neighbours_of(
        row, found.rows.index.positions_of(found.predictions[model].ids), features
    )
    if not len(rows):
        st.caption("This network does not know the picture's emotion.")
        return
    shows = []
    for other, similarity in zip(rows.tolist(), similarities.tolist(), strict=True):
        picture = str(found.rows.ids[other])
        split = SPLIT_NAMES[str(found.rows.splits[other])]
        shows.append(Shown(picture, (split, said_of(found, picture, model), f"{similarity:.3f}")))
    show_tiles(found, [("", shows)], key="neighbours")
    st.caption(
        "The eight pictures whose features are most similar, with the cosine of the angle between "
        "them: 1 is the same direction."
    )
