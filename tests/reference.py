"""A whole network in plain NumPy and float64: slow, obvious, and written from the equations, not from the package.

    z[l+1] = a[l] W[l] + b[l]       a[l+1] = f(z[l+1])       a[0] = x,  o = a[L]
    delta[l] = dC/dz[l], from dC/da[l] = delta[l+1] W[l]ᵀ through f
    dW[l] = a[l]ᵀ delta[l+1]        db[l] = column sums of delta[l+1]

Rumelhart, Hinton & Williams (1986), Nature 323, 533-536. Below it, random networks to compare on.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

import fastprop as fp
from reference_activations import TRIED, Activation, activate, corners, through

Array = np.ndarray


@dataclass
class Layer:
    W: Array  # (n_in, n_out)
    b: Array | None  # (n_out,)
    f: Activation

    def z(self, x: Array) -> Array:
        return x @ self.W + (0 if self.b is None else self.b)


def losses(loss: str, o: Array, y: Array) -> tuple[Array, Array]:
    """Each row's loss (m,), and its slope along o (m, n)."""
    n = o.shape[1]
    if loss == "mse":
        return ((o - y) ** 2).mean(axis=1), 2 * (o - y) / n
    if loss == "cross_entropy":
        return -(y * np.log(o)).sum(axis=1), -y / o
    assert loss == "binary_cross_entropy", f"tests/reference.py does not define the loss {loss!r}"
    return -(y * np.log(o) + (1 - y) * np.log(1 - o)).mean(axis=1), (o - y) / (o * (1 - o)) / n


def forward(layers: list[Layer], x: Array) -> list[Array]:
    """a[0] = x to a[L] = o."""
    a = [x]
    for layer in layers:
        a.append(activate(layer.f, layer.z(a[-1])))
    return a


def gradient(
    layers: list[Layer], x: Array, y: Array, loss: str, w: Array | None = None, from_logits: bool = False
) -> tuple[float, list[Array]]:
    """The weighted mean loss, and its gradient: dW, then db where there is a b, layer by layer."""
    a = forward(layers, x)
    if from_logits:  # C(z) is C(o) of o = f(z)
        f = fp.activations.get("softmax" if loss == "cross_entropy" else "sigmoid")
        C, do = losses(loss, activate(f, a[-1]), y)
        da = through(f, a[-1], do)
    else:
        C, da = losses(loss, a[-1], y)
    share = np.full(len(x), 1 / len(x)) if w is None else w / w.sum()
    da = da * share[:, np.newaxis]
    gradients: list[Array] = []
    for layer, a_in in zip(layers[::-1], a[-2::-1], strict=True):
        delta = through(layer.f, layer.z(a_in), da)
        dW, db = a_in.T @ delta, delta.sum(axis=0)
        gradients = [dW, *([] if layer.b is None else [db]), *gradients]
        da = delta @ layer.W.T
    return float(C @ share), gradients


@dataclass
class SGD:
    """PyTorch's rule, on arrays in place (torch.optim.SGD's documentation)."""

    learning_rate: float = 0.01
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    velocity: list[Array] = field(default_factory=list)

    def step(self, theta: list[Array], gradients: list[Array]) -> None:
        gradients = [g + self.weight_decay * p for g, p in zip(gradients, theta, strict=True)]
        if self.momentum:
            if not self.velocity:
                self.velocity = gradients
            else:
                pairs = zip(self.velocity, gradients, strict=True)
                self.velocity = [self.momentum * v + (1 - self.dampening) * g for v, g in pairs]
            pairs = zip(self.velocity, gradients, strict=True)
            gradients = [g + self.momentum * v if self.nesterov else v for v, g in pairs]
        for p, g in zip(theta, gradients, strict=True):
            p -= self.learning_rate * g


def train(
    layers: list[Layer], X: Array, y: Array, loss: str, sgd: SGD, *, orders: Iterable[Array], batch_size: int,
    w: Array | None = None, from_logits: bool = False,
) -> list[float]:  # fmt: skip
    """One epoch for each order of the rows, in place; each epoch's mean loss, every batch's from before its step."""
    w = np.ones(len(X)) if w is None else w
    means = []
    for order in orders:
        total = 0.0
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            C, gradients = gradient(layers, X[rows], y[rows], loss, w[rows], from_logits)
            sgd.step(parameters(layers), gradients)
            total += C * w[rows].sum()
        means.append(total / w.sum())
    return means


def parameters(layers: list[Layer]) -> list[Array]:
    return [array for layer in layers for array in (layer.W, layer.b) if array is not None]


def flat(arrays: list[Array]) -> Array:
    """In the order of the package's theta: layer by layer W, then b."""
    return np.concatenate([array.ravel() for array in arrays])


def layers_of(model: fp.Sequential) -> list[Layer]:
    """A network of the package as this one: copies of its parameters in float64."""
    return [
        Layer(np.array(layer.W, float), None if layer.b is None else np.array(layer.b, float), layer.activation)
        for layer in model.layers
    ]


# Random networks to compare on


DEPTHS = 5
CORNER = 2e-3  # z stays this far from an activation's corners, so that a difference quotient never straddles one


def ends_of(loss: fp.losses.Loss) -> list[tuple[str, bool, Activation]]:
    """Loss, from_logits and the last layer's activation: every one, where the loss leaves the choice."""
    if loss.through is None:
        return [(loss.name, False, f) for f in TRIED]
    return [(loss.name, False, loss.through), (loss.name, True, fp.activations.Identity())]


def loss_of(name: str, from_logits: bool) -> fp.losses.Loss:
    loss = fp.losses.get(name)
    return dataclasses.replace(loss, from_logits=True) if from_logits else loss


# Other losses end networks in test_loss_networks.py.
ENDS = [end for loss in (fp.MSE(), fp.CrossEntropy(), fp.BinaryCrossEntropy()) for end in ends_of(loss)]


@dataclass
class Case:
    """A network with data: y as `Trainer.fit` takes it, and `targets` (m, n) as the equations do."""

    layers: list[Layer]
    X: Array
    y: Array
    targets: Array
    w: Array | None
    loss: str
    from_logits: bool

    def gradient(self) -> tuple[float, Array]:
        C, gradients = gradient(self.layers, self.X, self.targets, self.loss, self.w, self.from_logits)
        return C, flat(gradients)

    def fp_loss(self) -> fp.losses.Loss:
        return loss_of(self.loss, self.from_logits)

    def fp_model(self, dtype: str = "float64") -> fp.Sequential:
        dense = [fp.Dense(layer.W.shape[1], layer.f, use_bias=layer.b is not None) for layer in self.layers]
        model = fp.Sequential(dense, n_inputs=len(self.layers[0].W), dtype=dtype)
        model.theta[:] = flat(parameters(self.layers))
        return model


def random_case(seed: int, *, max_units: int = 70, max_rows: int = 40) -> Case:
    """1 to 5 layers; each end with each depth in turn, all else at random."""
    rng = np.random.default_rng(seed)

    def size(most: int) -> int:  # small ones as often as large ones
        return int(np.exp(rng.uniform(0, np.log(most + 1))))

    loss, from_logits, last = ENDS[seed % len(ENDS)]
    widths = [size(max_units) for _ in range(2 + seed // len(ENDS) % DEPTHS)]
    if fp.losses.get(loss).targets == "classes":
        widths[-1] = max(2, widths[-1])
    hidden = [TRIED[rng.integers(len(TRIED))] for _ in widths[2:]]
    m, n = size(max_rows), widths[-1]
    X = rng.standard_normal((20 * m, widths[0]))
    layers, a, far = [], X, np.ones(len(X), bool)
    for n_in, n_out, f in zip(widths[:-1], widths[1:], [*hidden, last], strict=True):
        scale = 0.3 if f.name == "exponential" else 1  # of z, so that exp(z) stays a few
        W = rng.standard_normal((n_in, n_out)) * np.sqrt(1.5 / n_in) * scale / max(0.1, np.sqrt((a**2).mean()))
        layers.append(Layer(W, scale * rng.standard_normal(n_out) if rng.random() < 0.75 else None, f))
        z = layers[-1].z(a)
        for corner in corners(f):
            far &= (abs(z - corner) > CORNER).all(axis=1)
        a = activate(f, z)
    X = X[far][:m]
    assert len(X) == m, f"seed {seed}: too many rows lie at corners"

    kind = fp.losses.get(loss).targets
    if kind == "values":
        y = targets = rng.standard_normal((m, n))
    elif kind == "probabilities":
        y = targets = rng.random((m, n)).round(int(rng.integers(0, 4)))
    else:
        y = rng.integers(0, n, m)
        targets = np.eye(n)[y]
        if rng.random() < 0.5:
            y = targets = rng.dirichlet(np.ones(n), m)
    w = rng.random(m) + 0.1 if rng.random() < 0.5 else None
    return Case(layers, X, y, targets, w, loss, from_logits)


def relative_error(actual: Array, expected: Array) -> float:
    """The largest difference by the largest size: one number for a whole vector."""
    largest = abs(expected).max()
    return float(abs(actual - expected).max() / (largest or 1.0))
