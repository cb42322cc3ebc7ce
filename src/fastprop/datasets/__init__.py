"""Real data that comes with the package."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_digits"]


def load_digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The 1,797 handwritten digits of Alpaydin and Kaynak, 8 x 8 pixels each.

    Returns
    -------
    X : float32, shape (1797, 64)
        Pixels row by row, from 0 (paper) to 16 (ink).
    y : int64, shape (1797,)
        The digit, 0 to 9.

    References
    ----------
    E. Alpaydin & C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    doi:10.24432/C50P49; CC BY 4.0. The notice stands beside the data.

    Examples
    --------
    >>> X, y = load_digits()
    >>> X.shape, int(y[0])
    ((1797, 64), 0)
    """
    from importlib.resources import files  # takes longer than all of fastprop's own files

    with (files(__name__) / "digits.npz").open("rb") as file:
        arrays = np.load(file)
        return arrays["pixels"].astype(np.float32), arrays["digit"].astype(np.int64)
