"""Random numbers by address: Philox 4x32-10's published answers, and which address gives which number."""

from itertools import permutations

import numpy as np
import pytest

from fastprop._native.philox import permutation, philox_block, uniform

# Random123's kat_vectors (D. E. Shaw Research), philox4x32 10: counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
WEIGHTS, SHUFFLE = 0, 1
SEEDS = [0, 1, 12345, 2**32, 2**64 - 1]
LENGTHS = [0, 1, 2, 5, 1000]


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


def random_bits(seed: int, purpose: int, epoch: int, position: int) -> int:
    """64 bits at an address: two positions share the four words of counter (position // 2, epoch, purpose)."""
    index, second = divmod(position, 2)
    block = philox_block((index % 2**32, index >> 32, epoch, purpose), (seed % 2**32, seed >> 32))
    return block[2 * second] | block[2 * second + 1] << 32


def assert_uniform(counts: np.ndarray) -> None:
    """Pearson's chi-square within five standard deviations of its mean: df, variance 2 df."""
    expected, df = counts.sum() / counts.size, counts.size - 1
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - df) < 5 * np.sqrt(2 * df)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_random123s_known_answers(counter: str, key: str, answer: str) -> None:
    assert philox_block(words(counter), words(key)) == words(answer)


@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_numbers_are_the_top_53_bits_at_their_address(seed: int) -> None:
    """Hence a weight depends on its seed, layer and place alone."""
    expected = [(random_bits(seed, WEIGHTS, 3, i) >> 11) / 2**53 for i in range(101)]
    np.testing.assert_array_equal(uniform(seed, 3, 101), expected)
    np.testing.assert_array_equal(uniform(seed, 3, 40), expected[:40])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", LENGTHS)
def test_a_permutation_is_fisher_and_yates_shuffle_of_its_address(seed: int, count: int) -> None:
    """Part of the contract: the order of an epoch is the same on every platform and in every later version."""
    rows = list(range(count))
    for i in range(count - 1, 0, -1):
        j = random_bits(seed, SHUFFLE, 7, i) * (i + 1) >> 64
        rows[i], rows[j] = rows[j], rows[i]
    actual = permutation(seed, 7, count)
    assert actual.dtype == np.intp
    assert actual.tolist() == rows


@pytest.mark.parametrize("count", LENGTHS)
def test_a_permutation_holds_every_row_once(count: int) -> None:
    assert sorted(permutation(0, 0, count)) == list(range(count))


def test_seeds_epochs_and_layers_have_numbers_of_their_own() -> None:
    """The high word of a seed counts too."""
    orders = {tuple(permutation(seed, epoch, 50)) for seed in SEEDS for epoch in range(20)}
    assert len(orders) == len(SEEDS) * 20
    drawn = np.concatenate([uniform(seed, stream, 100) for seed in SEEDS for stream in range(20)])
    assert len(np.unique(drawn)) == drawn.size


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    numbers = uniform(0, 0, 2**17)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert_uniform(np.histogram(numbers, 256, (0, 1))[0])


def test_neighbouring_uniform_numbers_are_independent() -> None:
    """Pairs at even places come from one block of Philox, those at odd places from two."""
    numbers = uniform(1, 0, 2**17 + 1)
    for first in (0, 1):
        x, y = numbers[first:-1:2], numbers[first + 1 :: 2]
        assert_uniform(np.histogram2d(x[: len(y)], y, 16, [(0, 1), (0, 1)])[0])


def test_every_order_of_five_rows_is_as_likely() -> None:
    orders = list(permutations(range(5)))
    counts = dict.fromkeys(orders, 0)
    for epoch in range(12_000):
        counts[tuple(permutation(0, epoch, 5).tolist())] += 1
    assert_uniform(np.array(list(counts.values())))
