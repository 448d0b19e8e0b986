"""Runs in an environment of its own: PyPI's ``fer`` on every frame of a video.

Prints the frames, the seconds and the frames in which a face was found, as JSON. Only decoding,
detection and reading are timed, not the import and not the loading of the network.
"""

import json
import sys
import time

import cv2
from fer.fer import FER


def main() -> None:
    """Read the video that the command line names."""
    detector = FER()  # its default: Haar
    video = cv2.VideoCapture(sys.argv[1])
    frames = found = 0
    read, image = video.read()
    detector.detect_emotions(image)  # the first call builds the network's graph
    began = time.perf_counter()
    while read:
        frames += 1
        found += bool(detector.detect_emotions(image))
        read, image = video.read()
    seconds = time.perf_counter() - began
    print(json.dumps({"frames": frames, "seconds": seconds, "with_face": found}))


main()
