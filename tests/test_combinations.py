"""Random networks, losses, optimizers and data together: what each gives alone must hold for all at once."""

import random

import numpy as np
import pytest

import fastprop as fp
from fastprop._native import engine, threads

pytestmark = pytest.mark.slow

N_INPUTS, N_OUTPUTS, N_ROWS, EPOCHS = 5, 4, 37, 4
ACTIVATIONS = ["tanh", "relu", "selu", "gelu", "mish", "hard_swish", "softplus", "softmax", "log_softmax", fp.CELU(0.7)]
LAYERS = [
    lambda draw: fp.Dense(draw.randint(1, 20), draw.choice(ACTIVATIONS), use_bias=draw.random() < 0.8),
    lambda draw: fp.Dense(draw.randint(1, 20), draw.choice(ACTIVATIONS), parametrization="ntk"),
    lambda draw: draw.choice(ACTIVATIONS),
    lambda draw: fp.Dropout(draw.choice([0.0, 0.5, fp.LinearRamp(0.2, per="epoch")])),
    lambda draw: fp.AlphaDropout(draw.choice([0.1, fp.ExponentialDecay(0.3, 0.9)])),
    lambda draw: fp.BatchNorm(draw.choice([0.1, None]), affine=draw.random() < 0.5),
    lambda draw: fp.LayerNorm(affine=draw.random() < 0.5),
    lambda draw: fp.RMSNorm(affine=draw.random() < 0.5),
    lambda draw: fp.Scale(),
    lambda draw: fp.PReLU(shared=draw.random() < 0.5),
    lambda draw: fp.ParametricActivation(draw.choice(["selu", "mish"])),
    lambda draw: fp.PeriodicEmbedding(3, 2, phases=draw.random() < 0.5, keep_inputs=draw.random() < 0.5),
    lambda draw: fp.Residual([*some_layers(draw, 2), fp.Dense(6)], shortcut=[fp.Dense(6)]),
    lambda draw: fp.Concatenate([some_layers(draw, 2), some_layers(draw, 2), []]),
]
ENDS = [  # a loss, the activation below it, and its targets
    (fp.MSE(), "identity", "values"),
    (0.5 * fp.Huber(0.3), "tanh", "values"),
    (fp.CosineSimilarity(), "identity", "values"),
    (fp.Quantile([0.1, 0.9]), "identity", "pairs"),
    (fp.GaussianNLL(full=True), "identity", "pairs"),
    (fp.Tweedie(), "identity", "amounts"),
    (fp.CrossEntropy(class_weight=[1, 2, 0.5, 0]), "softmax", "labels"),
    (fp.CrossEntropy(from_logits=True, label_smoothing=0.1, ignore_index=2), "identity", "labels"),
    (fp.Focal(), "softmax", "labels"),
    (fp.BinaryCrossEntropy(pos_weight=[1, 2, 3, 4]), "sigmoid", "sides"),
    (fp.SquaredHinge(), "identity", "sides"),
]
TARGETS = {
    "values": lambda rng: rng.standard_normal((N_ROWS, N_OUTPUTS)),
    "pairs": lambda rng: rng.standard_normal((N_ROWS, 2)),
    "amounts": lambda rng: rng.random((N_ROWS, N_OUTPUTS)) + 0.1,
    "labels": lambda rng: rng.integers(0, N_OUTPUTS, N_ROWS),
    "sides": lambda rng: rng.integers(0, 2, (N_ROWS, N_OUTPUTS)),
}
OPTIMIZERS = [
    lambda options: fp.SGD(0.005, momentum=0.9, nesterov=True, **options),
    lambda options: fp.Adam(fp.StepDecay(0.005, 1, per="epoch"), amsgrad=True, **options),
    lambda options: fp.RMSprop(fp.Cyclic(0.001, 0.005, step_size_up=3), momentum=0.9, centered=True, **options),
    lambda options: fp.RAdam(0.005, weight_decay=fp.ExponentialDecay(0.01, 0.9), **options),
    lambda options: fp.Adadelta(1.0, **options),
    lambda options: fp.Lion(0.001, **options),
]
OPTIONS = {
    "l1": 1e-3,
    "clip_value": 0.05,
    "clip_global_norm": 0.2,
    "max_norm": 0.7,
    "accumulate": 3,
    "ema_decay": 0.9,
    "groups": [fp.ParameterGroup(layers=-1, frozen=True), fp.ParameterGroup(kinds="bias", rate_factor=0.5)],
}


def some_layers(draw, most):
    return [draw.choice(LAYERS)(draw) for _ in range(draw.randint(1, most))]


class Combination:
    """One of them, by its number."""

    def __init__(self, number):
        draw, rng = random.Random(number), np.random.default_rng(number)
        self.X = rng.standard_normal((N_ROWS, N_INPUTS))
        self.loss, end, targets = draw.choice(ENDS)
        self.layers = [*some_layers(draw, 4), fp.Dense(N_OUTPUTS, end)]
        options = {name: value for name, value in OPTIONS.items() if draw.random() < 0.3}
        self.optimizer = draw.choice(OPTIMIZERS)(options)
        self.dtype = draw.choice(["float32", "float64"])
        y, w = TARGETS[targets](rng), rng.random(N_ROWS) + 0.01
        self.settings = {"batch_size": draw.randint(2, N_ROWS), "sample_weight": draw.choice([None, w])}
        self.data = (self.X, y)
        if draw.random() < 0.3:  # a stream of batches of several sizes
            self.settings = {}
            self.data = ([(self.X[rows], y[rows], w[rows]) for rows in (slice(0, 9), slice(9, 16), slice(16, 37))],)

    def trainer(self):
        model = fp.Sequential(self.layers, n_inputs=N_INPUTS, dtype=self.dtype, seed=1)
        return fp.Trainer(model, self.loss, self.optimizer)

    def fit(self, trainer, epochs):
        trainer.fit(*self.data, epochs=epochs, progress=False, **self.settings)
        return trainer


def state(trainer):
    """All that training changes, as bytes."""
    arrays = (trainer.model.theta, trainer.model.buffers, trainer._memory.steps, *trainer._memory.named().values())
    return [array.tobytes() for array in arrays], dict(trainer.history)


@pytest.mark.parametrize("number", range(200))
def test_any_combination_gives_the_same_bits_however_it_is_run(number, tmp_path, monkeypatch):
    for module, name, value in (
        (threads, "STEP_WORK_PER_THREAD", 1),
        (threads, "CALL_WORK", 0),
        (engine, "CALL_WORK", 0),
    ):
        monkeypatch.setattr(module, name, value)
    case, before = Combination(number), fp.num_threads()
    try:
        fp.set_num_threads(3)
        shared = case.fit(case.trainer(), EPOCHS)
        fp.set_num_threads(1)
        alone = case.fit(case.trainer(), EPOCHS)
    finally:
        fp.set_num_threads(before)
    assert state(shared) == state(alone)
    half = case.fit(case.trainer(), EPOCHS // 2)
    half.save(tmp_path / "half")
    assert state(case.fit(fp.Trainer.resume(tmp_path / "half"), EPOCHS - EPOCHS // 2)) == state(alone)
    together = alone.model.predict(case.X)
    one_by_one = np.concatenate([alone.model.predict(case.X[i : i + 1]) for i in range(N_ROWS)])
    np.testing.assert_array_equal(together, one_by_one)
