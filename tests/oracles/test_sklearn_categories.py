"""The estimators' embeddings beside PyTorch's Embedding, before the same Linear layers and through the same epochs."""

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")

from fastprop.sklearn import MLPClassifier

N, EPOCHS, BATCH, ALPHA = 240, 8, 60, 0.5

rng = np.random.default_rng(0)
KIND, PLACE = rng.integers(0, 4, N), rng.integers(0, 7, N)
X = np.column_stack([rng.standard_normal(N), KIND, rng.standard_normal(N), PLACE])
y = np.digitize(X[:, 0] + np.array([-1.0, 2.0, 0.5, -0.5])[KIND] + PLACE % 2, [-0.5, 1])


class Network(torch.nn.Module):
    def __init__(self, start):
        super().__init__()
        self.tables = torch.nn.ModuleList(torch.nn.Embedding(*table.shape) for table in start.embeddings_)
        self.dense = torch.nn.ModuleList(torch.nn.Linear(*W.shape) for W in start.coefs_)
        self.double()
        with torch.no_grad():
            for module, table in zip(self.tables, start.embeddings_, strict=True):
                module.weight[:] = torch.from_numpy(table)
            for module, W, b in zip(self.dense, start.coefs_, start.intercepts_, strict=True):
                module.weight[:], module.bias[:] = torch.from_numpy(W.T), torch.from_numpy(b)

    def forward(self, x):
        vectors = [table(x[:, j].long()) for table, j in zip(self.tables, (1, 3), strict=True)]
        return self.dense[1](torch.relu(self.dense[0](torch.cat([x[:, [0, 2]], *vectors], dim=1))))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dim", ["auto", 2], ids=str)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_training_is_pytorchs(solver, dim):
    """`alpha` as a weight_decay of alpha over the batch's rows, of all but biases. Adam with an epsilon too small to
    tell scikit-learn's place for it from PyTorch's.
    """
    model = MLPClassifier(
        12, solver=solver, alpha=ALPHA, batch_size=BATCH, shuffle=False, random_state=3, max_iter=EPOCHS, epsilon=1e-30,
        learning_rate_init=0.01, categorical_features=[1, 3], embedding_dim=dim,
    )  # fmt: skip
    start = MLPClassifier(**(model.get_params() | {"max_iter": 1, "learning_rate_init": 1e-300})).fit(X, y)
    net = Network(start)
    biases = [module.bias for module in net.dense]
    rest = [module.weight for module in (*net.tables, *net.dense)]
    groups = [{"params": biases, "weight_decay": 0.0}, {"params": rest, "weight_decay": ALPHA / BATCH}]
    rule = (
        torch.optim.SGD(groups, lr=0.01, momentum=0.9, nesterov=True)
        if solver == "sgd"
        else torch.optim.Adam(groups, lr=0.01, eps=1e-30)
    )
    data, labels = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(EPOCHS):
        for rows in range(0, N, BATCH):
            rule.zero_grad()
            torch.nn.functional.cross_entropy(net(data[rows : rows + BATCH]), labels[rows : rows + BATCH]).backward()
            rule.step()
    model.fit(X, y)
    for table, module in zip(model.embeddings_, net.tables, strict=True):
        np.testing.assert_allclose(table, module.weight.detach().numpy(), rtol=1e-9, atol=1e-12)
    for W, b, module in zip(model.coefs_, model.intercepts_, net.dense, strict=True):
        np.testing.assert_allclose(W.T, module.weight.detach().numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(b, module.bias.detach().numpy(), rtol=1e-9, atol=1e-12)
    expected = torch.softmax(net(data), dim=1).detach().numpy()
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-9)
