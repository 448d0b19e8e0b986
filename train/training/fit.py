"""Training, from a configuration to a folder with the trained network and its logs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import keras

from fer_core.network import build_network
from fer_core.network_config import CROWD_LAYER
from fer_core.preprocessing import INPUT_SIZE, normalize_faces
from train.data.fer2013 import FaceSet
from train.data.ferplus import EXPRESSIONS, Votes
from train.data.framing import Framings
from train.errors import ConfigError
from train.files import write_whole
from train.training.batch_norm import reestimate_statistics
from train.training.batches import FaceBatches
from train.training.callbacks import EpochStart, Progress, TensorBoard
from train.training.checkpoint import StateCheckpoint, restore
from train.training.config import TrainConfig
from train.training.distillation import distill
from train.training.samples import Samples, class_weights, samples_of, split_for
from train.training.targets import TargetLoss, label_accuracy, without_crowd
from train.training.torch_layers import layer_kinds
from train.training.weights import named_weights, set_named_weights

logger = logging.getLogger(__name__)

CHECKPOINT_FILE = "checkpoint.npz"
RUN_CONFIG_FILE = "config.json"
LOG_FILE = "training.csv"
MODEL_FILE = "model.keras"


def fit(
    config: TrainConfig,
    dataset: FaceSet,
    run_dir: Path,
    *,
    votes: Votes | None = None,
    framings: Framings | None = None,
    resume: bool = False,
    stop_after_epoch: int | None = None,
) -> Path | None:
    """Train a network from random weights, or go on from those of a finished run.

    Behind every epoch the whole state is saved; a run that is interrupted loses the epoch it
    was in, and continues with ``resume`` to the weights that it would have had.

    Args:
        config: What to train and how.
        dataset: FER-2013, all seven classes.
        run_dir: Where checkpoint, logs and model go; made if missing. A run that this one
            starts or learns from lies beside it.
        votes: FER+'s, if the configuration learns from them.
        framings: Training pictures as detectors frame them, if the configuration shows them.
        resume: Whether to go on from the checkpoint in ``run_dir``, if there is one.
        stop_after_epoch: Stop when so many epochs are done, as if interrupted.

    Returns:
        The file of the trained model, or None if the run stopped early.

    Raises:
        CheckpointError: The checkpoint is unreadable or of another configuration.
        ConfigError: There are no votes or framings to learn from, or no run to start from.
        DataError: The data set lacks a split that the configuration names.
    """
    if config.crowd_weight and votes is None:
        raise ConfigError("This configuration learns from FER+'s votes: name them with --votes.")
    if config.framed_share and framings is None:
        raise ConfigError("This configuration shows framed faces: name them with --framed.")
    run_dir.mkdir(parents=True, exist_ok=True)
    training, validation = split_for(config, dataset)
    votes = votes if config.crowd_weight else None
    framings = framings if config.framed_share else None
    samples = samples_of(training, votes, framings), samples_of(validation, votes)
    names = {name for name in (config.start, config.teacher) if name}
    earlier = {name: _finished(run_dir.with_name(name)) for name in names}
    keras.utils.set_random_seed(config.seed)
    model = _compiled(config, len(FaceBatches(samples[0], config)))
    checkpoint = run_dir / CHECKPOINT_FILE
    done = restore(checkpoint, model, config) if resume and checkpoint.exists() else 0
    last = min(config.epochs, stop_after_epoch or config.epochs)
    start = earlier[config.start] if config.start else None
    # Asking the teacher takes minutes; a start that does not fit is refused before.
    if start is not None and not done:
        start_from(start, model)
    if config.teacher and done < last:
        teacher = without_crowd(earlier[config.teacher])
        samples = distill(samples[0], teacher, config.teacher_weight), samples[1]
    if done:
        logger.info("Resuming after epoch %d of %d.", done, config.epochs)
        _keep_log(run_dir / LOG_FILE, done)
    (run_dir / RUN_CONFIG_FILE).write_text(config.model_dump_json(indent=2), encoding="utf-8")
    logger.info(
        "%s parameters, %d training and %d validation pictures.",
        f"{model.count_params():,}",
        len(training),
        len(validation),
    )
    while done < last:
        done = _train_phase(model, config, samples, run_dir, (done, last))
    if last < config.epochs:
        return None
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return save_network(model, config, training, run_dir / MODEL_FILE, start)


def _train_phase(
    model: keras.Model,
    config: TrainConfig,
    parts: tuple[Samples, Samples],
    run_dir: Path,
    epochs: tuple[int, int],
) -> int:
    """Train while the pictures keep their size, from an epoch to another one at most.

    TensorFlow takes the shape of a ``fit``'s first batches for that of all its batches, so each
    size has a ``fit`` of its own.

    Returns:
        The number of finished epochs.
    """
    training, validation = parts
    done, last = epochs
    checkpoint = run_dir / CHECKPOINT_FILE
    batches = FaceBatches(training, config, first_epoch=done)
    progress = Progress(config.epochs, len(batches))
    try:
        model.fit(
            batches,
            epochs=min(last, config.phase_end(done)),
            initial_epoch=done,
            validation_data=(normalize_faces(validation.faces_gray), validation.targets),
            validation_batch_size=256,
            class_weight=class_weights(config, training.targets),
            shuffle=False,
            verbose=0,
            callbacks=[
                EpochStart(batches, config.seed),
                keras.callbacks.SwapEMAWeights(),
                keras.callbacks.CSVLogger(str(run_dir / LOG_FILE), append=done > 0),
                TensorBoard(run_dir / "tensorboard"),
                progress,
                StateCheckpoint(checkpoint, config),
            ],
        )
    finally:
        # Keras calls no hook when it is interrupted.
        progress.close()
    # At its end Keras puts the moving average in the weights' place; training goes on from these.
    return restore(checkpoint, model, config)


def _keep_log(path: Path, done: int) -> None:
    """Drop the rows of epochs that are trained again because their checkpoint was not written."""
    if path.exists():
        header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if int(row.partition(",")[0]) < done]
        write_whole(path, "".join([header, *kept]))


def save_network(
    model: keras.Model,
    config: TrainConfig,
    training: FaceSet,
    path: Path,
    start: keras.Model | None = None,
) -> Path:
    """Save a trained model as a plain float32 Keras model with its statistics taken anew.

    Args:
        model: The trained one.
        config: Of its training.
        training: The pictures that the statistics are of.
        path: Where it goes.
        start: The network that takes its share in the weights, if one does.
    """
    keras.config.set_dtype_policy("float32")
    network = build_network(config.network, len(config.class_set), num_answers=_num_answers(config))
    weights = named_weights(model)
    for key, old in named_weights(start).items() if start is not None else ():
        if key in weights:
            own = weights[key]
            weights[key] = (1 - config.start_share) * own + config.start_share * old
    set_named_weights(network, weights)
    reestimate_statistics(network, training.faces_gray, config.seed)
    part = path.with_name(f"part-{path.name}")
    network.save(part)
    os.replace(part, path)
    return path


def _finished(run_dir: Path) -> keras.Model:
    """Load the network of a finished run.

    Raises:
        ConfigError: There is none.
    """
    try:
        return keras.saving.load_model(run_dir / MODEL_FILE, compile=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{run_dir} holds no finished run: {error}") from error


def start_from(network: keras.Model, model: keras.Model) -> None:
    """Give a model the weights of a network; outputs for the crowd that it lacks stay random.

    Raises:
        ConfigError: The network is another one.
    """
    try:
        weights = named_weights(network)
        known = {layer.name for layer in model.layers}
        if CROWD_LAYER not in known:
            weights = {k: v for k, v in weights.items() if not k.startswith(f"{CROWD_LAYER}/")}
        set_named_weights(model, weights)
        if missing := named_weights(without_crowd(model)).keys() - weights.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except ValueError as error:
        raise ConfigError(f"Training cannot start from another network: {error}") from error


def _num_answers(config: TrainConfig) -> int:
    return len(EXPRESSIONS) if config.crowd_weight else 0


def _compiled(config: TrainConfig, steps_per_epoch: int) -> keras.Model:
    keras.config.set_dtype_policy(config.precision)
    flat = config.network.head == "flatten"
    model = build_network(
        config.network,
        len(config.class_set),
        num_answers=_num_answers(config),
        input_size=INPUT_SIZE if flat else None,
        kinds=layer_kinds(),
    )
    settings = config.optimizer
    steps = steps_per_epoch * config.epochs
    warmup_steps = round(settings.warmup * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.peak_rate / 100,
        warmup_target=settings.peak_rate,
        warmup_steps=warmup_steps,
        decay_steps=max(1, steps - warmup_steps),
    )
    model.compile(
        optimizer=keras.optimizers.SGD(
            rate,
            momentum=settings.momentum,
            nesterov=True,
            weight_decay=settings.weight_decay,
            use_ema=True,
            ema_momentum=settings.ema_decay,
        ),
        loss=TargetLoss(len(config.class_set), settings.label_smoothing, config.crowd_weight),
        metrics=[label_accuracy(len(config.class_set))],
    )
    return model
