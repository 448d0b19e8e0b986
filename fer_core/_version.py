"""The version, for the package and for whatever packs it."""

__version__ = "1.0.0"
