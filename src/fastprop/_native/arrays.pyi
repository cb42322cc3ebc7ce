from typing import Any

from numpy.typing import NDArray

def all_finite(capsule: object, X: NDArray[Any]) -> bool: ...
