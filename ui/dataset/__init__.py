"""The parts of the data set page."""
