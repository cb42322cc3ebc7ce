"""ReduceLROnPlateau beside PyTorch's: every rate of 200 epochs of made-up scores, to the last bit."""

import itertools

import numpy as np
import pytest
import torch

import fastprop as fp

OPTIONS = [
    dict(zip(("mode", "threshold_mode", "threshold", "cooldown", "patience"), values, strict=True))
    for values in itertools.product(("min", "max"), ("rel", "abs"), (1e-4, 0.2), (0, 3), (0, 4))
] + [{"factor": 0.5, "min_lr": 0.01, "patience": 2}, {"factor": 0.9, "eps": 0.02, "patience": 1}]
OURS = {"min_lr": "min_learning_rate", "eps": "epsilon"}


class Scripted(fp.Callback):
    def __init__(self, scores):
        self.scores = iter(scores)

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = next(self.scores)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_rate_is_pytorchs(options):
    rng = np.random.default_rng(0)
    scores = (rng.random(200) + np.abs(np.linspace(-2, 2, 200))).tolist()
    if options.get("mode") == "max":
        scores = [3 - score for score in scores]

    rule = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(rule, **options)
    expected = []
    for score in scores:
        expected.append(rule.param_groups[0]["lr"])
        plateau.step(score)

    trainer = fp.Trainer(fp.mlp(1, 1), "mse", fp.SGD(0.3))
    ours = fp.ReduceLROnPlateau("score", **{OURS.get(name, name): value for name, value in options.items()})
    history = trainer.fit(np.zeros((1, 1)), np.zeros(1), batch_size=1, epochs=len(scores),
                          callbacks=[Scripted(scores), ours], progress=False)  # fmt: skip
    assert history["learning_rate"] == expected
    assert trainer.optimizer.learning_rate == rule.param_groups[0]["lr"]
