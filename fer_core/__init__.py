"""Facial emotion recognition: detection, alignment, preprocessing and the network."""
