"""X as it comes in: checked, with columns of categories as numbers, for the layers that embed them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_X_y, validate_data

import fastprop as fp
from fastprop.sklearn._categories import (
    BESIDES,
    Encoded,
    categorical_mask,
    categories_of,
    encode,
    is_frame,
    places_of,
    widths_of,
)

__all__ = ["BaseOfRows"]

Array = NDArray[Any]

FLOATS = (np.float64, np.float32)
SPARSE = ("csr", "csc")


class BaseOfRows(BaseEstimator):
    """An estimator of rows of numbers and, by `categorical_features`, of categories."""

    is_categorical_: NDArray[np.bool_] | None
    categories_: list[Array]

    def _validate(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Any, Any]:
        """X as numbers, dense or sparse, and y as an array."""
        options |= {"multi_output": True, "dtype": FLOATS}
        if getattr(self, "is_categorical_", None) is None:
            return validate_data(self, X, y, accept_sparse=SPARSE, reset=reset, **options)
        return check_X_y(self._encode_categories(X, y, reset), y, estimator=self, **options)

    def _learn_categories(self, X: Any, sample_weight: Any) -> None:
        """Which columns are categories, and which these are."""
        self.is_categorical_, self.categories_ = None, []
        wanted = self.categorical_features
        if wanted is None or (isinstance(wanted, str) and not is_frame(X)):
            return
        X = self._with_columns(X)
        mask = categorical_mask(wanted, X)
        if mask is not None:
            self.categories_ = categories_of(X, mask, sample_weight)
        self.is_categorical_ = mask

    def _encode_categories(self, X: Any, y: Any, reset: bool) -> Array:
        X = self._with_columns(X)
        validate_data(self, X, y, skip_check_array=True, reset=reset)
        assert self.is_categorical_ is not None
        return encode(X, self.is_categorical_, self.categories_, self)

    def _with_columns(self, X: Any) -> Any:
        """A frame as it is, and anything else as an array of whatever it holds."""
        if issparse(X):
            raise TypeError(
                "Sparse data was passed for X, but with categorical_features dense data is required; use X.toarray(),"
                " or one-hot columns in place of categories"
            )
        return X if is_frame(X) else check_array(X, dtype=None, ensure_all_finite=False, estimator=self, input_name="X")

    def _validate_rows(self, X: Any) -> Any:
        """Such X without y, for prediction."""
        if isinstance(X, Encoded):
            return X.view(np.ndarray)
        if getattr(self, "is_categorical_", None) is None:
            return validate_data(self, X, accept_sparse=SPARSE, reset=False)
        return self._encode_categories(X, "no_validation", reset=False)

    def _embedding(self) -> fp.Embedding | None:
        """The layer for columns of categories, if there are any."""
        mask = getattr(self, "is_categorical_", None)
        if mask is None:
            return None
        columns = {j: len(known) + BESIDES for j, known in zip(places_of(mask), self.categories_, strict=True)}
        return fp.Embedding(columns, widths_of(self.embedding_dim, self.categories_), "zeros")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_arrays = self.categorical_features is not None and not isinstance(self.categorical_features, str)
        tags.input_tags.categorical, tags.input_tags.sparse = of_arrays, not of_arrays
        return tags
