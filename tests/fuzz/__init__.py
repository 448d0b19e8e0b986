"""Searches for files that break the readers, for as long as it is told."""
