"""The matrix product c = a b + bias: every tile edge, every layout, and the order of summation that FP-1 fixes.

Which cell of the product is wrong shows on matrices of small integers, whose products are exact in any order; how it
rounds shows on random ones.
"""

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma
from contract import BLOCK
from fastprop._native.kernel_calls import KernelCalls
from processes import run_python

# Around 1, 2 and 4 vectors of 1 to 16 lanes, and tiles of 4 to 32 columns.
COLUMNS_AROUND_TILES = [*range(1, 35), 47, 48, 49, 63, 64, 65]
# Twice the tallest tile, 12 rows, and one more.
ROWS_AROUND_TILES = range(1, 26)
# (m, n, k) where b is copied into panels, then a too (n over four tiles); where the one or the other is divided into
# parts (m > 240, n > 1536) and k into two and three blocks.
PACKED = [
    (7, 40, 512), (8, 40, 512), (11, 33, 600), (12, 129, 70), (23, 130, 255), (24, 131, 256), (25, 200, 257),
    (28, 300, 47), (30, 280, 40), (35, 257, 33), (240, 129, 65), (241, 129, 513), (241, 33, 257), (13, 1536, 9),
    (25, 1537, 257), (241, 1537, 6), (481, 1600, 11), (25, 700, 255),
]  # fmt: skip
AROUND_BLOCKS = [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1]

in_both_layouts_of_a = pytest.mark.parametrize("a_turned", [False, True], ids=["a", "aT"])
in_both_layouts_of_b = pytest.mark.parametrize("b_turned", [False, True], ids=["b", "bT"])


def laid_out(matrix: np.ndarray, turned: bool) -> np.ndarray:
    """The same matrix, its rows adjoining in memory if `turned`."""
    return np.ascontiguousarray(matrix.T).T if turned else matrix


def integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return rng.integers(-5, 6, shape).astype(dtype)


def normals(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


def assert_exact_product(kernels: KernelCalls, a: np.ndarray, b: np.ndarray, bias: np.ndarray) -> None:
    """As it is, with a bias, rectified, times the slopes of activations below, and all at once."""
    exact = a.astype(float) @ b.astype(float)
    below = (np.add.outer(range(len(a)), range(len(bias))) % 4 - 1).astype(kernels.dtype)
    np.testing.assert_array_equal(kernels.product(a, b), exact)
    np.testing.assert_array_equal(kernels.product(a, b, bias), exact + bias)
    np.testing.assert_array_equal(kernels.product(a, b, rectify=True), np.maximum(exact, 0))
    for slope, slopes in (("relu", below > 0), ("tanh", 1 - below**2)):
        np.testing.assert_array_equal(kernels.product(a, b, slope=slope, below=below), exact * slopes)
        finished = np.maximum(exact + bias, 0) * slopes
        np.testing.assert_array_equal(kernels.product(a, b, bias, True, slope, below), finished)


@in_both_layouts_of_b
@in_both_layouts_of_a
@pytest.mark.parametrize("m", ROWS_AROUND_TILES)
def test_every_tile_edge_gives_the_exact_product(
    kernels: KernelCalls, rng: np.random.Generator, m: int, a_turned: bool, b_turned: bool
) -> None:
    """Each height and width of a tile is unrolled for itself, so each is tried with each."""
    a = laid_out(integers(rng, (m, 3), kernels.dtype), a_turned)
    for n in COLUMNS_AROUND_TILES:
        b = laid_out(integers(rng, (3, n), kernels.dtype), b_turned)
        assert_exact_product(kernels, a, b, integers(rng, (n,), kernels.dtype))


@pytest.mark.parametrize("m", ROWS_AROUND_TILES)
def test_few_columns_from_adjoining_rows_give_the_exact_product(
    kernels: KernelCalls, rng: np.random.Generator, m: int
) -> None:
    """Computed as rows of cᵀ where k is large: all of them, or the last ones."""
    a = laid_out(integers(rng, (m, 66), kernels.dtype), turned=True)
    for n in range(1, 21):
        assert_exact_product(kernels, a, integers(rng, (66, n), kernels.dtype), integers(rng, (n,), kernels.dtype))


@in_both_layouts_of_b
@in_both_layouts_of_a
@pytest.mark.parametrize("shape", PACKED, ids=str)
def test_a_product_from_packed_panels_is_exact(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int], a_turned: bool, b_turned: bool
) -> None:
    m, n, k = shape
    a = laid_out(integers(rng, (m, k), kernels.dtype), a_turned)
    b = laid_out(integers(rng, (k, n), kernels.dtype), b_turned)
    assert_exact_product(kernels, a, b, integers(rng, (n,), kernels.dtype))


@in_both_layouts_of_b
@in_both_layouts_of_a
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, *AROUND_BLOCKS])
def test_every_edge_of_a_block_gives_the_exact_product(
    kernels: KernelCalls, rng: np.random.Generator, k: int, a_turned: bool, b_turned: bool
) -> None:
    """A later block is added to what the earlier ones left in c, and the bias comes with the last. Turned matrices are
    turned a vector of k at a time, and so k is also tried around one."""
    a = laid_out(integers(rng, (5, k), kernels.dtype), a_turned)
    b = laid_out(integers(rng, (k, 7), kernels.dtype), b_turned)
    assert_exact_product(kernels, a, b, integers(rng, (7,), kernels.dtype))


@in_both_layouts_of_b
@in_both_layouts_of_a
@pytest.mark.parametrize("m", [15, 16, 17, 31, 32, 33, 67])
def test_few_columns_give_the_exact_product_over_many_k(
    kernels: KernelCalls, rng: np.random.Generator, m: int, a_turned: bool, b_turned: bool
) -> None:
    """Up to a tile's height of them, or the last ones of some more, lanes may run over the rows of c, which is turned
    back a block at a time."""
    for k in (63, 64, BLOCK + 1):
        a = laid_out(integers(rng, (m, k), kernels.dtype), a_turned)
        for n in (*range(1, 14), 17, 20, 24, 25, 35, 40, 100):
            b = laid_out(integers(rng, (k, n), kernels.dtype), b_turned)
            assert_exact_product(kernels, a, b, integers(rng, (n,), kernels.dtype))


@pytest.mark.parametrize("shape", [(3, 5, 1), (7, 33, 100), (13, 40, 784), (2, 3, 4096)], ids=str)
def test_the_error_stays_within_that_of_blocks_of_256(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """A term passes the additions of its own block, of the blocks, and of the bias: not all k of them."""
    m, n, k = shape
    a, b, bias = (normals(rng, s, kernels.dtype) for s in ((m, k), (k, n), (n,)))
    exact = a.astype(EXACT) @ b + bias
    roundings = min(k, BLOCK) + -(-k // BLOCK) + 1
    reference = gamma(k, EXACT)
    size = abs(a).astype(EXACT) @ abs(b) + abs(bias)
    assert_within(kernels.product(a, b, bias), exact, (gamma(roundings, kernels.dtype) + reference) * size)


@in_both_layouts_of_b
@in_both_layouts_of_a
@pytest.mark.parametrize("shape", [(6, 17, 100), (25, 33, 513), (25, 200, 257), (67, 10, 257), (241, 1537, 6)], ids=str)
def test_targets_and_layouts_give_the_same_bits(
    kernels: KernelCalls,
    baseline: KernelCalls,
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    a_turned: bool,
    b_turned: bool,
) -> None:
    m, n, k = shape
    a, b, bias = (normals(rng, s, kernels.dtype) for s in ((m, k), (k, n), (n,)))
    actual = kernels.product(laid_out(a, a_turned), laid_out(b, b_turned), bias)
    assert_same_bits(actual, baseline.product(a, b, bias))


@pytest.mark.parametrize("shape", [(30, 20, 300), (30, 200, 300)], ids=["in place", "packed"])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """predict promises it, and may split its rows into batches as it likes."""
    m, n, k = shape
    a, b = normals(rng, (m, k), kernels.dtype), normals(rng, (k, n), kernels.dtype)
    together = kernels.product(a, b)
    for i in (0, 12, m - 1):
        assert_same_bits(kernels.product(a[i : i + 1], b), together[i : i + 1])


@in_both_layouts_of_a
@pytest.mark.parametrize("shape", [(13, 37, 20), (25, 200, 257), (67, 10, 65)], ids=str)
def test_a_nan_stays_in_its_row_or_column(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int], a_turned: bool
) -> None:
    m, n, k = shape
    a = laid_out(integers(rng, (m, k), kernels.dtype), a_turned)
    b = integers(rng, (k, n), kernels.dtype)
    clean = kernels.product(a, b)
    a[m // 2, k - 1] = np.nan
    b[0, n - 1] = np.nan

    actual = kernels.product(a, b)
    poisoned = np.zeros((m, n), bool)
    poisoned[m // 2] = poisoned[:, n - 1] = True
    np.testing.assert_array_equal(np.isnan(actual), poisoned)
    np.testing.assert_array_equal(actual[~poisoned], clean[~poisoned])


@pytest.mark.parametrize(
    "shape", [(13, 37, 20), (25, 200, 257), (67, 10, 65), (67, 3, 65), (67, 1, 5), (1, 70, 9)], ids=str
)
def test_what_finishes_a_product_is_relu_and_steps_back_to_the_bit(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """Of NaN, infinities and zeros of both signs too, in the product and below."""
    m, n, k = shape
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], kernels.dtype)
    a, b = normals(rng, (m, k), kernels.dtype), normals(rng, (k, n), kernels.dtype)
    bias, below = normals(rng, (n,), kernels.dtype), normals(rng, (m, n), kernels.dtype)
    a[rng.integers(m, size=4), rng.integers(k, size=4)] = special[:4]
    a[0], bias[rng.integers(n)] = -0.0, -0.0
    below.reshape(-1)[rng.choice(m * n, 20, replace=False)] = np.resize(special, 20)
    z = kernels.product(a, b, bias)
    with np.errstate(invalid="ignore"):
        assert_same_bits(kernels.product(a, b, bias, rectify=True), kernels.activation_forward("relu", z))
        for slope in ("relu", "tanh"):
            stepped_back = kernels.activation_backward(slope, below, below, z)
            assert_same_bits(kernels.product(a, b, bias, slope=slope, below=below), stepped_back)


def test_infinities_pass_with_their_sign(kernels: KernelCalls) -> None:
    a = np.array([[1, np.inf], [1, -np.inf], [np.inf, -np.inf], [1, 1]], kernels.dtype)
    b = np.array([[2, 2, 2], [3, -3, 0]], kernels.dtype)
    inf, nan = np.inf, np.nan
    expected = [[inf, -inf, nan], [-inf, inf, nan], [nan, inf, nan], [5, -1, 2]]
    np.testing.assert_array_equal(kernels.product(a, b), expected)


def test_a_product_over_no_k_is_the_bias(kernels: KernelCalls) -> None:
    """An empty sum is 0, as NumPy has it."""
    a, b, bias = np.empty((3, 0), kernels.dtype), np.empty((0, 2), kernels.dtype), np.array([1, -2], kernels.dtype)
    np.testing.assert_array_equal(kernels.product(a, b), np.zeros((3, 2)))
    np.testing.assert_array_equal(kernels.product(a, b, bias), [bias] * 3)
    below = np.array([[1, 1], [0, 1], [-1, 1]], kernels.dtype)
    np.testing.assert_array_equal(kernels.product(a, b, bias, True, "relu", below), [[1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(kernels.product(a, b, bias, slope="tanh", below=below), [[0, 0], [1, 0], [0, 0]])


@pytest.mark.parametrize("shape", [(0, 3, 2), (3, 0, 2)], ids=["no rows", "no columns"])
def test_a_product_without_rows_or_columns_is_empty(kernels: KernelCalls, shape: tuple[int, int, int]) -> None:
    """In a process of its own, because a division by the number of tiles would end it."""
    m, n, k = shape
    code = f"""
import numpy as np
from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
kernels = KernelCalls(dispatch.kernels(np.dtype({kernels.dtype.name!r}), {kernels.target!r}), {kernels.target!r})
a, b = np.ones(({m}, {k}), kernels.dtype), np.ones(({k}, {n}), kernels.dtype)
assert kernels.product(a, b).shape == {(m, n)}
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr


def test_a_sum_of_negative_zeros_is_positive_zero(kernels: KernelCalls) -> None:
    """A chain begins at +0, and +0 + -0 is +0; a bias of -0 added to it leaves +0."""
    a, b = np.full((2, 3), -0.0, kernels.dtype), np.ones((3, 5), kernels.dtype)
    assert_same_bits(kernels.product(a, b, np.full(5, -0.0, kernels.dtype)), np.zeros((2, 5), kernels.dtype))
