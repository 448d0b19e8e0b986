"""Measurements of speed and memory: ``python -m benchmarks`` and ``benchmarks/training.py``."""
