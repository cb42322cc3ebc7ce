"""The data that tools/fetch_data.py fetches are what their authors describe."""

import numpy as np
import pytest

import fetch_data


def loaded(load, *arguments):
    try:
        return load(*arguments)
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("load", [fetch_data.load_fashion_mnist, fetch_data.load_mnist])
def test_pictures_are_of_ten_classes(load):
    X, y, X_test, y_test = loaded(load)
    assert (X.shape, X_test.shape, X.dtype) == ((60000, 784), (10000, 784), np.uint8)
    assert (len(y), len(y_test), *np.unique(y)) == (60000, 10000, *range(10))


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        # UCI's letter-recognition.names: 789 A, 766 B, ..., 734 Z
        ("letter", (20000, 16), {"A": 789, "B": 766, "C": 736, "Z": 734}),
        ("magic", (19020, 10), {"g": 12332, "h": 6688}),  # magic04.names: 12332 gamma, 6688 hadron
        ("spambase", (4597, 57), {"0": 2785, "1": 1812}),  # spambase.DOCUMENTATION: 2788 and 1813, KEEL has 4 fewer
    ],
)
def test_tables_have_the_rows_of_each_class_that_their_authors_count(name, shape, counts):
    X, y = loaded(fetch_data.load_keel, name)
    assert X.shape == shape
    assert {label: int((y == label).sum()) for label in counts} == counts


def test_visits_to_a_doctor_are_described_by_nine_columns():
    """As statsmodels' description says: visits are counted, and health is one of good, fair and poor, or excellent."""
    X, y = loaded(fetch_data.load_randhie)
    assert X.shape == (20190, 9)
    assert (y == np.round(y)).all()
    assert y.min() == 0
    lncoins, deductible = X[:, 0], X[:, 1]
    assert 0 <= lncoins.min() < lncoins.max() <= np.log(101)
    assert set(deductible) == {0, 1}
    assert set(X[:, 6:].sum(axis=1)) == {0, 1}
