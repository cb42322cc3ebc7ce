"""scikit-learn's own tests of its MLPs, read from where it is installed, with fastprop's classes in their place.

They are its test_mlp.py as it stands but for the import. Left out are tests of what only its classes have inside:

    test_gradient       calls the private _loss_grad_lbfgs; fastprop's gradients are checked in test_gradients.py
"""

import importlib.util
from pathlib import Path

import pytest

THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from fastprop.sklearn import MLPClassifier, MLPRegressor"
LEFT_OUT = ("test_gradient",)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def global_random_seed():
    return 0


def source():
    package = importlib.util.find_spec("sklearn.neural_network")
    path = Path(package.submodule_search_locations[0]) / "tests" / "test_mlp.py"
    return path, path.read_text() if path.exists() else ""


path, text = source()
assert not text or text.count(THEIRS) == 1
exec(compile(text.replace(THEIRS, OURS), path, "exec"), globals())
for name in LEFT_OUT:
    globals().pop(name, None)
