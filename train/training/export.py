"""From trained networks to a model's folder, as ``fer_core.classifier`` serves it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from fer_core.classifier import (
    CONFIG_FILE,
    FORMAT,
    LABELS_FILE,
    TFLITE_FILE,
    EmotionClassifier,
    read_model_files,
)
from fer_core.network import build_ensemble
from fer_core.network_config import member_prefix
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from fer_core.readings import LABELS, PEOPLE
from fer_core.tta import ONE_VIEW
from train.errors import ExportError
from train.files import write_json
from train.training.fit import LOG_FILE, MODEL_FILE
from train.training.members import Member, read_member
from train.training.weights import halve_weights, set_named_weights

_CHECKED_FACES = 40
# Weights are rounded to 8 bits, and so are the values between the layers while they are computed.
_TOLERANCE = 0.05


def export_model(paths: Sequence[Path], models_dir: Path, name: str | None = None) -> Path:
    """Export finished runs; a model of the same name is replaced, with its metrics.

    Args:
        paths: Of each member the folder of its run, or a campaign's ``.npz``; at least one.
        models_dir: Folder of the models; made if missing.
        name: Name of the model, by default that of its classes.

    Returns:
        The model's folder. Its probabilities are not calibrated yet.

    Raises:
        ConfigError: A run's configuration cannot be read.
        ExportError: Keras runs on another backend than TensorFlow, a run is not finished or
            damaged, the members do not belong together, or the exported network answers otherwise
            than the trained ones.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ExportError(
            f"Keras runs on {backend}, and only its TensorFlow backend writes .tflite files; "
            "set KERAS_BACKEND=tensorflow."
        )
    members = [read_member(path) for path in paths]
    _check_alike(members)
    # Also finds weights that do not fit, before the minute that the rest takes.
    trained = [member.build() for member in members]
    network = _ensemble(members)
    target = models_dir / (name or members[0].class_set.name)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _write_model(network, members, part)
        _check_same_answers(trained, part)
        _replace_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _check_alike(members: Sequence[Member]) -> None:
    first = members[0]
    for other in members[1:]:
        for what, own, theirs in (
            ("emotions", first.class_set, other.class_set),
            ("answers of the crowd", first.answers, other.answers),
            # On a picture that either has learned from, their mean would be too sure of itself.
            ("pictures to be calibrated on", first.part, other.part),
        ):
            if own != theirs:
                raise ExportError(f"{first.name} and {other.name} have different {what}.")


def _ensemble(members: Sequence[Member]) -> keras.Model:
    first = members[0]
    network = build_ensemble(
        [member.network for member in members], len(first.class_set), len(first.answers)
    )
    for number, member in enumerate(members):
        set_named_weights(network, member.weights, member_prefix(number))
    return network


def _write_model(network: keras.Model, members: Sequence[Member], folder: Path) -> None:
    import tensorflow as tf

    # "Dynamic range": weights in int8, and each layer's input rounded to it by its own range. That
    # is as accurate as float32 in a quarter of the time; ranges fixed beforehand, from pictures,
    # are neither better nor faster.
    network.export(
        str(folder / TFLITE_FILE),
        format="litert",
        verbose=False,
        optimizations=[tf.lite.Optimize.DEFAULT],
    )
    network.save(folder / MODEL_FILE)
    halve_weights(folder / MODEL_FILE)
    _write_log(members, folder / LOG_FILE)
    first = members[0]
    labels = json.dumps(list(first.class_set.labels))
    (folder / LABELS_FILE).write_text(labels + "\n", encoding="utf-8")
    checksum = hashlib.sha256((folder / TFLITE_FILE).read_bytes()).hexdigest()
    write_json(
        folder / CONFIG_FILE,
        {
            "format": FORMAT,
            "members": [
                {
                    "name": member.name,
                    "parameters": int(sum(np.size(array) for array in member.weights.values())),
                    "training": member.training,
                }
                for member in members
            ],
            "answers": list(first.answers),
            "temperature": {LABELS: 1.0, PEOPLE: 1.0},
            "mixture": 1.0,
            "calibration": first.part.model_dump(mode="json"),
            "calibrated_on": None,
            "parameters": network.count_params(),
            "sha256": {TFLITE_FILE: checksum},
        },
    )


def _write_log(members: Sequence[Member], path: Path) -> None:
    """Write the members' logs below each other; a figure that one lacks stays empty."""
    columns = dict.fromkeys(key for member in members for row in member.log for key in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["member", *columns], lineterminator="\n")
        writer.writeheader()
        for member in members:
            writer.writerows({"member": member.name, **row} for row in member.log)


def _check_same_answers(networks: Sequence[keras.Model], folder: Path) -> None:
    """Compare the served network with the trained ones on random faces.

    Raises:
        ExportError: Their logits differ.
    """
    shape = (_CHECKED_FACES, INPUT_SIZE, INPUT_SIZE)
    faces_gray = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    classifier = EmotionClassifier(read_model_files(folder), reading=LABELS)
    served = classifier.logits(faces_gray, ONE_VIEW)
    inputs = normalize_faces(faces_gray)
    answers = [keras.ops.convert_to_numpy(network(inputs, training=False)) for network in networks]
    expected = np.mean(answers, axis=0)
    difference = float(np.abs(served - expected).max())
    if not difference <= _TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ExportError(f"The exported network's logits differ by {difference:g}.")


def _replace_folder(part: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)
