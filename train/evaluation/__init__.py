"""Measurement of networks and of the data set, and the records of what was found."""
