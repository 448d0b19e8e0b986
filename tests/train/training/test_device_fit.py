from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from train.data.fer2013 import FaceSet
from train.training.campaign_config import MemberConfig
from train.training.campaign_data import CampaignPart

torch = pytest.importorskip("torch", reason="PyTorch, an optional backend, is not installed")
from train.training import device_fit  # noqa: E402
from train.training.device_answers import (  # noqa: E402
    Scores,
    answers_of,
    evaluate_on,
    scores_of,
    taught_pictures,
)
from train.training.device_augment import normalize_batch  # noqa: E402
from train.training.device_fit import (  # noqa: E402
    _mixing_mask,
    averaged_network,
    fit_member,
    target_loss,
)
from train.training.device_pictures import DevicePictures, pictures_on  # noqa: E402
from train.training.torch_network import TorchNetwork  # noqa: E402

# Networks so small are slower on several threads.
torch.set_num_threads(1)
CPU = torch.device("cpu")
NETWORK = {"kind": "residual", "stem_filters": 4, "stem_pool": 4, "stages": [{"filters": 8}]}


def member(**settings: Any) -> MemberConfig:
    return MemberConfig.model_validate(
        {"name": "small", "network": NETWORK, "precision": "float32", "batch_size": 16, **settings}
    )


def network(seed: int = 0) -> TorchNetwork:
    torch.manual_seed(seed)
    return TorchNetwork(member().network, 7, 8).eval()


@pytest.fixture
def part(tiny_set: FaceSet) -> CampaignPart:
    """Some pictures, with votes on all but the first, and framings of all but the second."""
    rng = np.random.default_rng(0)
    faces = tiny_set.where(np.arange(0, len(tiny_set), 4))
    shares = rng.dirichlet(np.ones(8), len(faces)).astype(np.float32)
    shares[0] = 0
    framings = rng.normal(0, 1, (len(faces), 2, 3)).astype(np.float32)
    framings[1] = np.nan
    return CampaignPart(faces, shares, framings)


@pytest.fixture
def pictures(part: CampaignPart) -> DevicePictures:
    return pictures_on(CPU, part)


def test_pictures_bring_their_targets_along(part: CampaignPart, pictures: DevicePictures) -> None:
    assert len(pictures) == len(part)
    assert (pictures.variations, pictures.num_classes) == (1, 7)
    assert np.array_equal(pictures.faces[0].numpy(), part.faces.faces_gray)
    assert np.array_equal(pictures.targets[0, :, :7].argmax(1).numpy(), part.faces.labels)
    assert (pictures.targets[0, :, :7].sum(1) == 1).all()
    assert np.array_equal(pictures.targets[0, :, 7:].numpy(), part.shares)
    assert torch.equal(pictures.framings[1], torch.eye(2, 3))
    assert np.array_equal(pictures.framings[2:].numpy(), part.framings[2:])


def test_scores_by_hand() -> None:
    targets = torch.tensor([[1, 0, 0.6, 0.4, 0], [0, 1, 0.5, 0.5, 0], [0, 1, 0, 0, 0]])
    pictures = DevicePictures(torch.zeros(1, 3, 48, 48), targets[None], torch.zeros(3, 2, 3), 2)
    answers = torch.tensor(
        [[0.8, 0.2, 0.5, 0.25, 0.25], [0.5, 0.5, 0.1, 0.8, 0.1], [0.1, 0.9, 0.1, 0.1, 0.8]]
    )
    # The second picture's label ties with the first class, which is the one named then.
    cross_entropies = [-0.6 * np.log(0.5) - 0.4 * np.log(0.25), -np.log(0.1 * 0.8) / 2]
    found, expected = (
        scores_of(answers, pictures),
        Scores(
            accuracy=2 / 3,
            log_loss=-np.log([0.8, 0.5, 0.9]).mean(),
            majority=1.0,
            vote_loss=float(np.mean(cross_entropies)),
        ),
    )
    for name in Scores.__slots__:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-5)


def test_answers_are_means_of_probabilities(pictures: DevicePictures) -> None:
    one, other, faces = network(), network(1), pictures.faces[0]
    both = answers_of([one, other], faces, "float32")
    alone = [answers_of([each], faces, "float32") for each in (one, other)]
    torch.testing.assert_close(both, (alone[0] + alone[1]) / 2)
    torch.testing.assert_close(both[:, :7].sum(1), torch.ones(len(faces)))
    torch.testing.assert_close(both[:, 7:].sum(1), torch.ones(len(faces)))
    with torch.no_grad():
        logits = one(normalize_batch(faces.float()[:, None]))
    torch.testing.assert_close(alone[0][:, :7], logits[:, :7].softmax(1))
    torch.testing.assert_close(answers_of([one], faces, "bfloat16"), alone[0], rtol=0.1, atol=0.02)


def test_the_loss_by_hand() -> None:
    config = member(crowd_weight=2.0, optimizer={"label_smoothing": 0.1})
    logits, targets = torch.tensor([[1.0, 0.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 0.3, 0.5]])
    first, second = logits[:, :2].log_softmax(1)[0], logits[:, 2:].log_softmax(1)[0]
    expected = -(0.95 * first[0] + 0.05 * first[1]) - 2 * (0.3 * second[0] + 0.5 * second[1])
    torch.testing.assert_close(target_loss(logits, targets, 2, config), expected)


@pytest.mark.parametrize("mix", ["none", "mixup", "cutmix"])
def test_masks_of_mixed_pictures(mix: str) -> None:
    config = member(mix=mix, mix_alpha=1.0, mix_probability=0.5)
    rng = np.random.default_rng(0)
    masks = np.stack([_mixing_mask(config, rng) for _ in range(400)])
    assert masks.dtype == np.float32
    kept = (masks == 1).all(axis=(1, 2))
    if mix == "none":
        assert kept.all()
        return
    assert 0.4 < kept.mean() < 0.6
    mixed = masks[~kept]
    if mix == "mixup":
        assert (mixed == mixed[:, :1, :1]).all()
    else:
        assert set(np.unique(mixed)) == {0, 1}
        hole = mixed == 0
        rows, columns = hole.any(2).sum(1), hole.any(1).sum(1)
        assert (rows == columns).all()
        assert (hole.sum((1, 2)) == rows * columns).all()
    # A share of a flat beta distribution.
    assert 0.4 < mixed.mean() < 0.6
    assert 0.2 < mixed.mean((1, 2)).std() < 0.35


def test_averaged_weights_get_statistics_of_the_pictures(pictures: DevicePictures) -> None:
    plain = network()
    averages = [torch.full_like(each, 0.1) for each in plain.parameters()]
    before = plain.keras_weights()
    averaged = averaged_network(plain, averages, pictures)
    assert not averaged.training
    assert all(np.array_equal(before[name], each) for name, each in plain.keras_weights().items())
    assert all((each == 0.1).all() for each in averaged.parameters())
    with torch.no_grad():
        stem = averaged.stem.conv(normalize_batch(pictures.faces[0].float()[:, None]))
    torch.testing.assert_close(averaged.stem.norm.running_mean, stem.mean((0, 2, 3)))
    torch.testing.assert_close(averaged.stem.norm.running_var, stem.var((0, 2, 3)))
    assert averaged.stem.norm.momentum == plain.stem.norm.momentum


def test_a_network_learns_the_pictures_that_it_sees(pictures: DevicePictures) -> None:
    config = member(epochs=24, optimizer={"peak_rate": 0.2, "ema_decay": 0.9})
    untrained = evaluate_on(network(), pictures, "float32")
    trained, log = fit_member(config, network(), pictures, {"seen": pictures})
    scores = evaluate_on(trained, pictures, "float32")
    assert scores.log_loss < untrained.log_loss - 0.2
    assert scores.accuracy > 0.4
    assert [row["epoch"] for row in log] == [4, 8, 12, 16, 20, 24]
    names = {"accuracy", "log_loss", "majority", "vote_loss"}
    assert log[0].keys() == {"epoch", "loss", "seconds", *(f"seen_{name}" for name in names)}
    assert log[-1]["seen_log_loss"] == pytest.approx(scores.log_loss)
    assert log[-1]["seconds"] > log[0]["seconds"] > 0


def test_the_same_seed_gives_the_same_network(pictures: DevicePictures) -> None:
    config = member(epochs=2, mix="cutmix", augmentation={"flip": True, "noise_probability": 0.5})

    def weights(seed: int) -> dict[str, np.ndarray]:
        start = network()
        torch.manual_seed(seed)
        return fit_member(config, start, pictures, {})[0].keras_weights()

    first, same, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not np.array_equal(first["logits/0"], other["logits/0"])


def test_a_time_decides_the_epochs(
    pictures: DevicePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps_per_second = device_fit._steps_per_second
    before = network().keras_weights()

    def measured(trainer: Any, rng: np.random.Generator) -> float:
        assert steps_per_second(trainer, rng) > 0
        after = [average.numpy() for average in trainer.optimizer.averages]
        assert np.array_equal(after[0].transpose(2, 3, 1, 0), before["stem_conv/0"])
        return 10.0

    monkeypatch.setattr(device_fit, "_steps_per_second", measured)
    # A clock that a busy machine does not disturb: a hundredth of a second at every look.
    clock = itertools.count()
    monkeypatch.setattr(device_fit.time, "monotonic", lambda: next(clock) / 100)
    epochs = {}
    for seconds in (0.0, 60.0):
        _, log = fit_member(member(), network(), pictures, {}, seconds=seconds)
        epochs[seconds] = log[-1]["epoch"]
    assert epochs == {0.0: 1, 60.0: int(0.93 * 60 * 10 / (len(pictures) // 16))}


def test_few_pictures_are_one_batch(pictures: DevicePictures) -> None:
    trained, log = fit_member(member(batch_size=4096, epochs=3), network(), pictures, {})
    assert [row["epoch"] for row in log] == [1, 2, 3]
    assert np.isfinite(trained.keras_weights()["logits/0"]).all()


def test_targets_get_their_share_of_the_teachers_answers(pictures: DevicePictures) -> None:
    teachers = [network(), network(1)]
    config = member(teachers=["a", "b"], teacher_weight=0.7, taught_variations=3)
    taught = taught_pictures(teachers, pictures, config, range(7))
    assert taught.faces.shape == (3, len(pictures), 48, 48)
    assert taught.faces.dtype == torch.uint8
    # Nothing is varied, so the pictures stay as they are.
    assert all(torch.equal(faces, pictures.faces[0]) for faces in taught.faces)
    answers = answers_of(teachers, pictures.faces[0], "float32")
    torch.testing.assert_close(taught.targets[2], 0.3 * pictures.targets[0] + 0.7 * answers)


def test_teachers_answer_the_pictures_that_are_shown(pictures: DevicePictures) -> None:
    config = member(
        teachers=["a"], teacher_weight=1.0, taught_variations=2,
        augmentation={"flip": True, "rotation_deg": 10, "gamma": 0.3},
    )  # fmt: skip
    taught = taught_pictures([network()], pictures, config, range(7))
    assert not torch.equal(taught.faces[0], taught.faces[1])
    for faces, targets in zip(taught.faces, taught.targets, strict=True):
        torch.testing.assert_close(targets, answers_of([network()], faces, "float32"))


def test_teachers_of_more_classes(part: CampaignPart) -> None:
    from fer_core.labels import FER6, FER7

    pictures = pictures_on(CPU, part.as_classes(FER6))
    columns = [FER7.labels.index(label) for label in FER6.labels]
    config = member(teachers=["a"], teacher_weight=1.0, taught_variations=1, classes="fer6")
    taught = taught_pictures([network()], pictures, config, columns)
    answers = answers_of([network()], pictures.faces[0], "float32")
    known = answers[:, columns]
    torch.testing.assert_close(taught.targets[0, :, :6], known / known.sum(1, keepdim=True))
    torch.testing.assert_close(taught.targets[0, :, 6:], answers[:, 7:])


def test_a_student_sees_all_variations(pictures: DevicePictures) -> None:
    config = member(
        teachers=["a"], epochs=20, optimizer={"peak_rate": 0.1, "ema_decay": 0.9}, framed_share=0.9
    )
    # One variation of each picture is to be called the first class, the other one the second.
    targets = pictures.targets.repeat(2, 1, 1)
    targets[:, :, :7] = 0
    targets[[0, 1], :, [0, 1]] = 1
    both = replace(pictures, faces=pictures.faces.repeat(2, 1, 1, 1), targets=targets)
    trained, _ = fit_member(config, network(), both, {})
    answers = answers_of([trained], pictures.faces[0], "float32")
    assert 0.25 < answers[:, 0].mean() < 0.7
    assert 0.25 < answers[:, 1].mean() < 0.7
    assert answers[:, 2:7].max() < 0.2
