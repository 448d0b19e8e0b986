"""Training, export, calibration and measurement of the networks."""
