"""The parts of the archive page."""
