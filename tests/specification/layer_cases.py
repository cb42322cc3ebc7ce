"""Random cases of what layers are made of: masks, orders, and each operation with arrays of the shapes it takes."""

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[Any], tuple[np.ndarray, ...]]

WORDS = 2**32


def random_mask(draw: Any) -> Call:
    """From any position, so that a block's words are begun and ended anywhere."""
    first = draw.random.choice([0, draw.random.randrange(200), draw.random.randrange(2**40)])
    count, seed = draw.long(), draw.random.choice([0, 1, draw.random.randrange(2**63)])
    address = draw.random.randrange(WORDS), draw.random.randrange(WORDS)
    threshold, kept = draw.random.choice([0, 1, WORDS - 1, draw.random.randrange(WORDS)]), 1 + draw.random.random()
    return lambda calls: (calls.random_mask(first, count, address, seed, threshold, kept),)


def shuffle(draw: Any) -> Call:
    count, seed = draw.long(), draw.random.choice([0, 1, draw.random.randrange(2**63)])
    address = draw.random.randrange(WORDS), draw.random.randrange(WORDS)
    return lambda calls: (calls.shuffle(count, address, seed),)


def alike(n_arrays: int, n_settings: int = 0) -> Callable[[Any], tuple]:
    """Arrays of one shape, and the result of that shape."""

    def draw_them(draw: Any) -> tuple:
        m, n = draw.shape()
        return [draw.reals(m, n) for _ in range(n_arrays)], [(m, n)], [draw.random.random() for _ in range(n_settings)]

    return draw_them


def of_columns(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n), draw.reals(n), draw.reals(n)], [(m, n)], []


def affine(draw: Any) -> tuple:
    reads, writes, settings = of_columns(draw)
    return [*reads[:2], reads[2] if draw.flip() else None], writes, settings


def down_columns(n_arrays: int) -> Callable[[Any], tuple]:
    """Of all columns, or of the first of them."""

    def draw_them(draw: Any) -> tuple:
        m, row = draw.shape()
        n = draw.random.choice([row, draw.random.randint(1, row)])
        return [draw.reals(m, row) for _ in range(n_arrays)], [(n,), (n,)], [], n

    return draw_them


def deviations(draw: Any) -> tuple:
    n = draw.long()
    return [np.abs(draw.reals(1, n))], [(1, n)], [draw.random.choice([0, 1e-5, 1e-3])]


def batch_norm(draw: Any) -> tuple:
    m, n = draw.shape()
    columns = [draw.reals(n) for _ in range(4)]
    scale = columns[0] if draw.flip() else None
    return [draw.reals(m, n), draw.reals(m, n), scale, *columns[1:]], [(m, n)], [1 / m]


def rows(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n)], [(m, n), (m,)], [draw.random.choice([0, 1e-5, 1e-3]), float(draw.flip())]


def rows_backward(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n), draw.reals(m, n), draw.reals(m)], [(m, n)], [0, float(draw.flip())]


def column_between(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n), draw.reals(n), draw.reals(m, n)], [(m, n)], []


def blended(draw: Any) -> tuple:
    reads, writes, settings = column_between(draw)
    return reads, 2 * writes, settings


def one_row_of_results(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n), draw.reals(m, n)], [(n,)], []


def one_column_of_results(draw: Any) -> tuple:
    m, n = draw.shape()
    return [draw.reals(m, n)], [(m,)], []


def wave(draw: Any) -> tuple:
    m, n = draw.shape()
    beside = draw.flip()
    return [draw.reals(m, n)], [(m, 2 * n)] if beside else [(m, n), (m, n)], [float(beside)]


def wave_backward(draw: Any) -> tuple:
    """n of the result: half as many as delta has, where that holds sines beside cosines."""
    m, n = draw.shape()
    beside = draw.flip()
    width = 2 * n if beside else n
    return [draw.reals(m, width), draw.reals(m, width)], [(m, n)], [float(beside)], n


OPERATIONS: dict[str, Callable[[Any], tuple]] = {
    "elementwise_sum": alike(2),
    "elementwise_product": alike(2),
    "masked": alike(2, 2),
    "weighted_sum": alike(2, 2),
    "column_moments": down_columns(1),
    "column_dots": down_columns(2),
    "inverse_deviations": deviations,
    "standardize_columns": of_columns,
    "affine_columns": affine,
    "batch_norm_backward": batch_norm,
    "normalize_rows": rows,
    "normalize_rows_backward": rows_backward,
    "prelu": of_columns,
    "prelu_backward": column_between,
    "negative_dots": one_row_of_results,
    "row_sums": one_column_of_results,
    "blend": blended,
    "blend_backward": column_between,
    "smooth_clip": alike(1, 1),
    "smooth_clip_backward": alike(2, 1),
    "waves": wave,
    "waves_backward": wave_backward,
}


def operation(name: str, draw: Any) -> Call:
    drawn = OPERATIONS[name](draw)
    return lambda calls: calls.operation(name, *drawn)
