"""Training speed: pictures a second of every Keras backend that is installed.

``python -m benchmarks.training`` times training steps of a configuration, a backend after the
other, each in a process of its own on the same cores. Where ``train.training.torch_layers`` has
layers for a backend they are timed in turn with Keras' own. The speed of backends is best compared
by the last column, whose unit is measured among the steps.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import REFERENCE, REFERENCE_NOTE, time_tasks

CONFIG = Path(__file__).resolve().parent.parent / "train" / "configs" / "fer7.toml"
_BACKENDS = ("tensorflow", "torch", "jax")


def main() -> int:
    """Print one table per backend; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--rounds", type=int, default=7, help="default %(default)s")
    parser.add_argument("--cores", type=int, default=1, help="default %(default)s")
    parser.add_argument("--backend", choices=_BACKENDS, help="only this one")
    options = parser.parse_args()
    if options.backend is not None:
        _time_backend(options.backend, options.config, options.rounds, options.cores)
        return 0
    print(
        f"{options.config.name} on {options.cores} core(s), medians of {options.rounds} steps; "
        f"{REFERENCE_NOTE}"
    )
    status = 0
    for backend in _BACKENDS:
        if importlib.util.find_spec(backend) is None:
            print(f"{backend} is not installed here.")
            continue
        command = [sys.executable, "-m", "benchmarks.training", "--backend", backend]
        command += ["--config", options.config, "--rounds", str(options.rounds)]
        done = subprocess.run([*command, "--cores", str(options.cores)], check=False)
        status = status or done.returncode
    return status


def _time_backend(backend: str, config_path: Path, rounds: int, cores: int) -> None:
    # Each backend counts its threads in its own way; all keep to the cores that they are given,
    # and all read both before they are imported.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    os.environ["OMP_NUM_THREADS"] = str(cores)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    os.environ["KERAS_BACKEND"] = backend

    import cv2
    import keras

    from fer_core.network import KERAS_LAYERS, build_network
    from train.training.config import load_config
    from train.training.torch_layers import layer_kinds

    cv2.setNumThreads(1)
    config = load_config(config_path)
    keras.config.set_dtype_policy(config.precision)
    labels = len(config.class_set)
    models = {}
    offered = {"Keras' layers": KERAS_LAYERS}
    if (fused := layer_kinds()) != KERAS_LAYERS:
        offered["train.training.torch_layers"] = fused
    for name, kinds in offered.items():
        models[name] = build_network(config.network, labels, input_size=None, kinds=kinds)
        rate, momentum = config.optimizer.peak_rate, config.optimizer.momentum
        models[name].compile(
            keras.optimizers.SGD(rate, momentum=momentum, nesterov=True),
            keras.losses.CategoricalCrossentropy(from_logits=True),
        )
    print(f"\n{backend}, {config.precision}, batches of {config.batch_size}")
    print(f"  {'':<24}{'pictures a second':>18}{'of CPU':>9}{'x reference':>13}")
    for size in sorted({phase.size for phase in config.sizes}):
        batch = _batch(config.batch_size, size, labels)
        steps = {
            f"{size}x{size}, {name}": lambda model=model, batch=batch: model.train_on_batch(*batch)
            for name, model in models.items()
        }
        timings = time_tasks(steps, rounds)
        for name in steps:
            wall, cpu = timings[name].wall_ms, timings[name].cpu_ms
            print(
                f"  {name:<24}{1000 * config.batch_size / wall:18.0f}"
                f"{1000 * config.batch_size / cpu:9.0f}{cpu / timings[REFERENCE].cpu_ms:13.0f}"
            )


def _batch(count: int, size: int, labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    faces = rng.standard_normal((count, size, size, 1), np.float32)
    return faces, np.eye(labels, dtype=np.float32)[rng.integers(0, labels, count)]


if __name__ == "__main__":
    raise SystemExit(main())
