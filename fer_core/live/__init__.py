"""Live analysis of a camera: the newest frame's worker, the picture to show, and recordings."""
