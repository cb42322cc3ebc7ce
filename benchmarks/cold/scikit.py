"""From a cold start to trained digits, by scikit-learn: its own copy of them, the same network and rule."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from task import split, train

X, y, X_test, y_test = split(*load_digits(return_X_y=True))
classifier = MLPClassifier(
    (64,), solver="sgd", alpha=0, batch_size=32, learning_rate_init=0.1, momentum=0.9, random_state=0
)
train(
    epoch=lambda: classifier.partial_fit(X, y, classes=np.arange(10)),
    accuracy=lambda: classifier.score(X_test, y_test),
)
