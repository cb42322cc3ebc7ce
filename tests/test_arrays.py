"""Arrays at the door of the native code: what is read off them before the engine reads them without looking."""

import numpy as np
import pytest

from fastprop._native import arrays, dispatch

REALS = ["float32", "float64"]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (1, 5000), (700, 9), (3000,), (0, 4), (4, 0)], ids=str)
def test_all_finite_sees_every_element_in_any_layout(rng, dtype, kind, shape):
    """As NumPy's isfinite after the cast; rows wider than the buffer, and vectors, too."""
    kernels = dispatch.kernels(np.dtype(dtype), dispatch.chosen())
    good = rng.standard_normal(shape).astype(kind)
    places = {0, good.size // 2, good.size - 1, good.size // 3} if good.size else set()
    for layout in (np.asarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=-1)[..., ::2], lambda X: X[::-1]):
        assert arrays.all_finite(kernels, layout(good))
        for place in places:
            for value in (np.nan, -np.inf, np.finfo(kind).max):
                changed = good.copy()
                changed.flat[place] = value
                with np.errstate(over="ignore"):
                    expected = np.isfinite(changed.astype(dtype)).all()
                assert arrays.all_finite(kernels, layout(changed)) == expected
