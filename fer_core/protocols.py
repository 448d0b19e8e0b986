"""What the parts of the core ask of each other, where more than one class can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class FaceReader(Protocol):
    """Whatever reads emotions from faces: a network, or several together.

    Photos, videos and the camera take any of them. It must be safe to share between threads.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The K emotions in the order of the probabilities."""

    def predict(
        self, faces_gray: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        """Read faces.

        Args:
            faces_gray: uint8 ``(N, H, W)`` in FER-2013's frame, or N such faces of any sizes.

        Returns:
            float32 ``(N, K)`` probabilities; rows sum to 1.

        Raises:
            ValueError: A face is not a non-empty grey uint8 picture.
        """
