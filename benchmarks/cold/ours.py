"""From a cold start to trained digits, by fastprop."""

from task import split, train

import fastprop as fp

X, y, X_test, y_test = split(*fp.datasets.load_digits())
model = fp.mlp(64, 64, 10, activation="relu", output="softmax", seed=0)
trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9), ["accuracy"])
train(
    epoch=lambda: trainer.fit(X, y, batch_size=32, progress=False),
    accuracy=lambda: trainer.evaluate(X_test, y_test)["accuracy"],
)
