"""Real data of several sizes, and the network that each is fitted with; `tools/fetch_data.py` tells where from.

The first six are scikit-learn's own. Targets that are numbers are brought to variance 1 like the inputs, since no
network with the defaults gets from 0 to them otherwise. The pictures have test rows of their own and get few epochs.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))

import fetch_data

TEST_SHARE = 0.25
Array = np.ndarray[Any, Any]


class Split(NamedTuple):
    X: Array
    y: Array
    X_test: Array
    y_test: Array


@dataclass(frozen=True)
class RealData:
    """`load` gives X and y, or X and y to train on and then to test on; `settings` are the estimators'."""

    name: str
    load: Callable[[], Any]
    classes: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def network(self) -> str:
        """Its hidden layers, 100 units by default."""
        return "-".join(map(str, self.settings.get("hidden_layer_sizes", (100,))))


def bundled(name: str) -> Callable[[], Any]:
    return partial(getattr(datasets, f"load_{name}"), return_X_y=True)


DATA = (
    RealData("iris", bundled("iris")),
    RealData("wine", bundled("wine")),
    RealData("breast cancer", bundled("breast_cancer")),
    RealData("digits", bundled("digits")),
    RealData("diabetes", bundled("diabetes"), classes=False),
    RealData("linnerud", bundled("linnerud"), classes=False),
    RealData("spambase", partial(fetch_data.load_keel, "spambase")),
    RealData("magic", partial(fetch_data.load_keel, "magic")),
    RealData("letter", partial(fetch_data.load_keel, "letter")),
    RealData("randhie", fetch_data.load_randhie, classes=False),
    RealData("mnist", fetch_data.load_mnist, settings={"max_iter": 5}),
    RealData(
        "fashion-mnist", fetch_data.load_fashion_mnist,
        settings={"hidden_layer_sizes": (256, 128, 100), "max_iter": 5},
    ),
    RealData(
        "mnist, wide", fetch_data.load_mnist, settings={"hidden_layer_sizes": (512, 512), "max_iter": 2}
    ),
)  # fmt: skip


def split(data: RealData, loaded: tuple[Array, ...], seed: int, dtype: str) -> Split:
    """Rows to train on and to test on, by the seed, scaled by the former."""
    if len(loaded) == 4:
        X, y, X_test, y_test = loaded
    else:
        X, y = loaded
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=TEST_SHARE, random_state=seed, stratify=y if data.classes else None
        )
    X, X_test = scaled(X, X_test, dtype)
    if not data.classes:
        y, y_test = scaled(y, y_test, dtype)
    return Split(X, y, X_test, y_test)


def scaled(train: Array, test: Array, dtype: str) -> list[Array]:
    """Columns, or a single one, of mean 0 and variance 1 in the first."""
    columns = [part.reshape(len(part), -1) for part in (train, test)]
    scaler = StandardScaler().fit(columns[0])
    return [
        scaler.transform(column).reshape(part.shape).astype(dtype)
        for column, part in zip(columns, (train, test), strict=True)
    ]
