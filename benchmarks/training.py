"""Training speed on PyTorch with Keras' batch normalisation and with ``train.fused``'s.

``KERAS_BACKEND=torch python -m benchmarks.training``; both are timed in turn in one process, so
the ratio holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CONFIG = Path(__file__).resolve().parent.parent / "train" / "configs" / "fer7.toml"


def main() -> int:
    """Prints pictures a second at every size of the configuration; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--steps", type=int, default=7, help="default %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="default %(default)s")
    options = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed here; nothing to compare.")
        return 0
    # Keras reads this once, when it is imported.
    os.environ["KERAS_BACKEND"] = "torch"
    _compare(options.config, options.steps, options.threads)
    return 0


def _compare(config_path: Path, steps: int, threads: int) -> None:
    import keras
    import torch

    from fer_core.network import build_network
    from train.config import load_config
    from train.fused import batch_norm_layer

    torch.set_num_threads(threads)
    config = load_config(config_path)
    keras.config.set_dtype_policy(config.precision)
    labels = len(config.class_set)
    models = {}
    for name, layer in (
        ("Keras", keras.layers.BatchNormalization),
        ("fused", batch_norm_layer()),
    ):
        model = build_network(config.network, labels, input_size=None, batch_norm_layer=layer)
        rate, momentum = config.optimizer.peak_rate, config.optimizer.momentum
        model.compile(
            keras.optimizers.SGD(rate, momentum=momentum, nesterov=True),
            keras.losses.CategoricalCrossentropy(from_logits=True),
        )
        models[name] = model
    print(
        f"{config_path.name}: {config.precision}, batch {config.batch_size}, "
        f"{threads} thread(s), medians of {steps} steps"
    )
    for size in sorted({phase.size for phase in config.sizes}):
        batch = _batch(config.batch_size, size, labels)
        walls: dict[str, list[float]] = {name: [] for name in models}
        cpus: dict[str, list[float]] = {name: [] for name in models}
        for step in range(steps + 1):
            for name, model in models.items():
                wall, cpu = time.perf_counter(), time.process_time()
                model.train_on_batch(*batch)
                if step:  # the first one builds
                    walls[name].append(time.perf_counter() - wall)
                    cpus[name].append(time.process_time() - cpu)
        speeds = [config.batch_size / statistics.median(walls[name]) for name in models]
        ratio = statistics.median(cpus["Keras"]) / statistics.median(cpus["fused"])
        print(
            f"  {size}x{size}: {speeds[0]:6.1f} pictures a second with Keras' layer, "
            f"{speeds[1]:6.1f} fused; {ratio:.2f} times as fast by CPU time"
        )


def _batch(count: int, size: int, labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    faces = rng.standard_normal((count, size, size, 1), np.float32)
    return faces, np.eye(labels, dtype=np.float32)[rng.integers(0, labels, count)]


if __name__ == "__main__":
    raise SystemExit(main())
