"""A published result on real data: fetched by tools/fetch_data.py, skipped where they are not."""

import numpy as np
import pytest

import fastprop as fp
from fetch_data import load_fashion_mnist

PUBLISHED = 0.8833  # "MLP 256-128-100", without preprocessing, in the table of the data set's README


def accuracy_after_training(seed: int) -> float:
    """Of the network 784-256-128-100-10 on the test pictures, after 12 epochs and 3 more at a tenth of the rate."""
    X, y, X_test, y_test = load_fashion_mnist()
    X, X_test = X / np.float32(255), X_test / np.float32(255)
    model = fp.mlp(784, 256, 128, 100, 10, activation="relu", output="softmax", seed=seed)
    trainer = fp.Trainer(model, "cross_entropy", metrics=["accuracy"])
    for learning_rate, epochs in ((0.05, 12), (0.005, 3)):
        trainer.optimizer = fp.SGD(learning_rate, momentum=0.9)
        trainer.fit(X, y, epochs=epochs, batch_size=128, progress=False)
    return trainer.evaluate(X_test, y_test)["accuracy"]


@pytest.mark.slow
def test_fashion_mnist_is_learnt_as_well_as_published():
    """Seed 0 gives 0.8941, and seeds 1 to 7 from 0.8932 to 0.8965: the bar is not passed by luck."""
    try:
        accuracy = accuracy_after_training(seed=0)
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    assert accuracy >= PUBLISHED


if __name__ == "__main__":  # python -m oracles.test_fashion_mnist, in tests/, with tools/ on the path: other seeds
    for number in range(8):
        print(f"seed {number}: {accuracy_after_training(number):.4f}", flush=True)
