"""Every loss kernel's formula, of one row at a time, written from its definition, for real or complex outputs.

A slope is a complex step, ``Im C(o + i h) / h`` with h = 1e-30: exact to rounding, since nothing is subtracted (Squire
& Trapp 1998, SIAM Review 40, 110-112). Formulas go by o's real part where they compare.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Settings = list[float]


def absolute(x: Array) -> Array:
    return np.where(x.real > 0, x, np.where(x.real < 0, -x, 0))


def log_softmax(z: Array) -> Array:
    shifted = z - z.real.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log1p(x: Array) -> Array:
    """NumPy's, of complex numbers, adds 1 first."""
    return np.log1p(x.real) + 1j * x.imag / (1 + x.real)


def log_sigmoid(z: Array) -> Array:
    return np.where(z.real < 0, z, 0) - log1p(np.exp(-absolute(z)))


def times_log(y: Array) -> Array:
    return y * np.log(np.where(y > 0, y, 1))


def huber(o: Array, y: Array, s: Settings) -> Array:
    e, delta = o - y, s[0]
    return s[1] * np.where(abs(e.real) <= delta, e**2 / 2, delta * (absolute(e) - delta / 2)).mean(axis=1)


def quantile(o: Array, y: Array, s: Settings) -> Array:
    e = y[:, :, np.newaxis] - o.reshape(*y.shape, len(s))
    q = np.array(s)
    return np.where(e.real > 0, q * e, np.where(e.real < 0, (q - 1) * e, 0)).mean(axis=(1, 2))


def gaussian_nll(o: Array, y: Array, s: Settings) -> Array:
    """PyTorch's clamp lets slopes through, so variances below epsilon are for tests of their own."""
    mean, spread = np.split(o, 2, axis=1)
    v = [lambda x: x, np.exp, lambda x: -log_sigmoid(-x)][int(s[0])](spread)
    return (np.log(v) / 2 + (mean - y) ** 2 / (2 * v) + s[2]).mean(axis=1)


def cosine_similarity(o: Array, y: Array, s: Settings) -> Array:
    return 1 - (o * y).sum(axis=1) / np.sqrt(((o * o).sum(axis=1) + s[0]) * ((y * y).sum(axis=1) + s[0]))


def poisson(o: Array, y: Array, s: Settings) -> Array:
    C = np.exp(o) - y * o if s[0] else o - y * np.log(o + s[2])
    stirling = times_log(y) - y + np.log(2 * np.pi * np.where(y > 1, y, 1)) / 2
    return (C + np.where((y > 1) & bool(s[1]), stirling, 0)).mean(axis=1)


def mean_of(o: Array, s: Settings) -> Array:
    return np.exp(o) if s[0] else o


def poisson_deviance(o: Array, y: Array, s: Settings) -> Array:
    mu = mean_of(o, s)
    return 2 * (times_log(y) - y * np.log(mu) - y + mu).mean(axis=1)


def gamma(o: Array, y: Array, s: Settings) -> Array:
    mu = mean_of(o, s)
    return 2 * (np.log(mu / y) + y / mu - 1).mean(axis=1)


def tweedie(o: Array, y: Array, s: Settings) -> Array:
    mu, p = mean_of(o, s), s[1]
    return 2 * (y ** (2 - p) / ((1 - p) * (2 - p)) - y * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)).mean(axis=1)


def adjusted_cross_entropy(z: Array, y: Array, s: Settings) -> Array:
    return -(np.array(s[2:]) * (s[0] * y + s[1]) * log_softmax(z)).sum(axis=1)


def kl_divergence(z: Array, y: Array, s: Settings) -> Array:
    return (times_log(y) - y * log_softmax(z)).sum(axis=1)


def focal(z: Array, y: Array, s: Settings) -> Array:
    logs = log_softmax(z)
    return -(np.array(s[1:]) * y * (1 - np.exp(logs)) ** s[0] * logs).sum(axis=1)


def binary_cross_entropy(z: Array, y: Array, s: Settings) -> Array:
    return -(y * log_sigmoid(z) + (1 - y) * log_sigmoid(-z)).mean(axis=1)


def adjusted_binary_cross_entropy(z: Array, y: Array, s: Settings) -> Array:
    t = s[0] * y + s[1]
    return -(np.array(s[2:]) * t * log_sigmoid(z) + (1 - t) * log_sigmoid(-z)).mean(axis=1)


def binary_focal(z: Array, y: Array, s: Settings) -> Array:
    log_p, log_q = log_sigmoid(z), log_sigmoid(-z)
    yes, no = s[1] * y * np.exp(log_q) ** s[0] * log_p, s[2] * (1 - y) * np.exp(log_p) ** s[0] * log_q
    return -(yes + no).mean(axis=1)


def hinge(o: Array, y: Array, s: Settings) -> Array:
    margin = 1 - np.where(y > 0, 1, -1) * o
    return np.where(margin.real > 0, margin, 0).mean(axis=1)


def squared_hinge(o: Array, y: Array, s: Settings) -> Array:
    margin = 1 - np.where(y > 0, 1, -1) * o
    return np.where(margin.real > 0, margin**2, 0).mean(axis=1)


FORMULAS: dict[str, Callable[[Array, Array, Settings], Array]] = {
    "mse": lambda o, y, s: ((o - y) ** 2).mean(axis=1),
    "mae": lambda o, y, s: absolute(o - y).mean(axis=1),
    "huber": huber,
    "log_cosh": lambda o, y, s: np.log(np.cosh(o - y)).mean(axis=1),
    "quantile": quantile,
    "gaussian_nll": gaussian_nll,
    "cosine_similarity": cosine_similarity,
    "poisson": poisson,
    "poisson_deviance": poisson_deviance,
    "gamma": gamma,
    "tweedie": tweedie,
    "cross_entropy": lambda z, y, s: -(y * log_softmax(z)).sum(axis=1),
    "adjusted_cross_entropy": adjusted_cross_entropy,
    "kl_divergence": kl_divergence,
    "focal": focal,
    "binary_cross_entropy": binary_cross_entropy,
    "adjusted_binary_cross_entropy": adjusted_binary_cross_entropy,
    "binary_focal": binary_focal,
    "nll": lambda o, y, s: -(np.array(s) * y * o).sum(axis=1),
    "hinge": hinge,
    "squared_hinge": squared_hinge,
}


def value_and_slope(kernel: str, o: Array, y: Array, s: Settings) -> tuple[Array, Array]:
    """Each row's loss (m,), and its slope along o or z (m, n), in float64."""
    formula, o, y = FORMULAS[kernel], o.astype(float), y.astype(float)
    slope = np.empty(o.shape)
    for j in range(o.shape[1]):
        step = o.astype(complex)
        step[:, j] += 1e-30j
        slope[:, j] = formula(step, y, s).imag / 1e-30
    return formula(o.astype(complex), y, s).real, slope


@dataclass(frozen=True)
class Setting:
    """Settings to try a kernel at, for n targets, and what its outputs and targets are then."""

    kernel: str
    settings: Callable[[int], Settings] = lambda n: []
    outputs: str = "any"  # or "positive"
    targets: str = "any"  # or "positive", "counts", "classes", "distributions", "probabilities", "sides"
    per_target: int = 1  # outputs

    def __str__(self) -> str:
        return f"{self.kernel}{self.settings(2)}"

    def draw(self, rng: np.random.Generator, m: int, n: int) -> tuple[Array, Array]:
        """o (m, n per_target) and y (m, n), off every corner by 0.01."""
        o, y = 2 * rng.standard_normal((m, self.per_target * n)), targets_of(self.targets, rng, m, n)
        o = abs(o) + 0.1 if self.outputs == "positive" else o
        if self.targets in ("any", "sides"):
            wide = np.repeat(y, self.per_target, axis=1)
            o = np.where(abs(abs(o - wide) - 1) < 0.01, o + 0.03, o)
            o = np.where(abs(o - wide) < 0.01, o + 0.03, o)
            o = np.where(abs(1 - np.where(wide > 0, o, -o)) < 0.01, o + 0.03, o)
        return o, y


def targets_of(kind: str, rng: np.random.Generator, m: int, n: int) -> Array:
    if kind == "positive":
        return rng.exponential(2, (m, n)) + 0.1
    if kind == "counts":
        return rng.poisson(2, (m, n)).astype(float)
    if kind == "classes":
        return np.eye(n)[rng.integers(0, n, m)]
    if kind == "distributions":
        return rng.dirichlet(np.ones(n), m)
    if kind == "probabilities":
        return rng.random((m, n)).round(int(rng.integers(0, 4)))
    return rng.choice([-1.0, 1.0], (m, n)) if kind == "sides" else rng.standard_normal((m, n))


def weights(n: int) -> Settings:
    return [0.5 + j % 3 for j in range(n)]


LOG_2_PI_HALF = 0.9189385332046727
SETTINGS = [
    Setting("mse"),
    Setting("mae"),
    Setting("huber", lambda n: [1.0, 1.0]),
    Setting("huber", lambda n: [0.5, 2.0]),
    Setting("log_cosh"),
    Setting("quantile", lambda n: [0.5]),
    Setting("quantile", lambda n: [0.1, 0.5, 0.8], per_target=3),
    Setting("gaussian_nll", lambda n: [0, 1e-6, 0], "positive", per_target=2),
    Setting("gaussian_nll", lambda n: [1, 1e-6, LOG_2_PI_HALF], per_target=2),
    Setting("gaussian_nll", lambda n: [2, 1e-6, 0], per_target=2),
    Setting("cosine_similarity", lambda n: [1e-12]),
    Setting("poisson", lambda n: [1, 0, 1e-8, LOG_2_PI_HALF], "any", "counts"),
    Setting("poisson", lambda n: [1, 1, 1e-8, LOG_2_PI_HALF], "any", "counts"),
    Setting("poisson", lambda n: [0, 1, 1e-8, LOG_2_PI_HALF], "positive", "counts"),
    Setting("poisson_deviance", lambda n: [1], "any", "counts"),
    Setting("poisson_deviance", lambda n: [0], "positive", "counts"),
    Setting("gamma", lambda n: [1], "any", "positive"),
    Setting("gamma", lambda n: [0], "positive", "positive"),
    Setting("tweedie", lambda n: [1, 1.5], "any", "counts"),
    Setting("tweedie", lambda n: [0, 1.2], "positive", "counts"),
    Setting("tweedie", lambda n: [1, 3.0], "any", "positive"),
    Setting("cross_entropy", targets="classes"),
    Setting("cross_entropy", targets="distributions"),
    Setting("adjusted_cross_entropy", lambda n: [0.9, 0.1 / n, *weights(n)], targets="classes"),
    Setting("adjusted_cross_entropy", lambda n: [1, 0, *weights(n)], targets="distributions"),
    Setting("kl_divergence", targets="distributions"),
    Setting("kl_divergence", targets="classes"),
    Setting("focal", lambda n: [2.0, *[0.25] * n], targets="classes"),
    Setting("focal", lambda n: [0.5, *weights(n)], targets="distributions"),
    Setting("focal", lambda n: [0.0, *weights(n)], targets="classes"),
    Setting("binary_cross_entropy", targets="probabilities"),
    Setting("adjusted_binary_cross_entropy", lambda n: [0.8, 0.1, *weights(n)], targets="probabilities"),
    Setting("binary_focal", lambda n: [2.0, 0.25, 0.75], targets="probabilities"),
    Setting("binary_focal", lambda n: [0.0, 1.0, 1.0], targets="probabilities"),
    Setting("nll", weights, targets="classes"),
    Setting("hinge", targets="sides"),
    Setting("squared_hinge", targets="sides"),
]
