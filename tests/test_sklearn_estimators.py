"""What fastprop's estimators do in scikit-learn's world, and what they do that scikit-learn's own do not."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import datasets, neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_sample_weight
from threadpoolctl import threadpool_info, threadpool_limits

import fastprop as fp
from fastprop.sklearn import MLPClassifier, MLPRegressor
from processes import run_python

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = datasets.load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
names = np.array(["setosa", "versicolor", "virginica"])[y]
XR, yr = datasets.load_diabetes(return_X_y=True)
XR, yr = XR / XR.std(axis=0), yr / yr.std()


def bits(model):
    return [array.tobytes() for array in (*model.coefs_, *model.intercepts_)]


# Copies and files


@pytest.mark.parametrize("copy", [lambda m: pickle.loads(pickle.dumps(m)), lambda m: clone(m).fit(X, names)])
def test_a_copy_predicts_the_same_bits(copy):
    model = MLPClassifier(random_state=0, max_iter=20).fit(X, names)
    twin = copy(model)
    assert bits(twin) == bits(model)
    np.testing.assert_array_equal(twin.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_pickled_model_goes_on_as_if_it_had_stayed(solver, tmp_path):
    """The optimizer's state, the rate and the counts go along."""
    model = MLPClassifier(solver=solver, learning_rate="invscaling", random_state=0, batch_size=32)
    for _ in range(2):
        model.partial_fit(X, names, classes=np.unique(names))
    joblib.dump(model, tmp_path / "model.joblib")
    twin = joblib.load(tmp_path / "model.joblib")
    for one in (model, twin):
        one.partial_fit(X, names)
    assert bits(twin) == bits(model)
    assert twin.t_ == model.t_ == 3 * len(X)


def test_coefs_are_views_and_may_be_replaced():
    model = MLPRegressor(hidden_layer_sizes=3, random_state=0, max_iter=5).fit(XR, yr)
    model.coefs_[1][:] = 0
    np.testing.assert_array_equal(model.predict(XR), np.full(len(XR), model.intercepts_[1][0]))
    model.intercepts_[1] = np.array([7.0])
    np.testing.assert_array_equal(model.predict(XR), 7.0)
    assert pickle.loads(pickle.dumps(model)).predict(XR)[0] == 7
    model.coefs_[0] = np.zeros((2, 2))
    with pytest.raises(ValueError, match="shape"):
        model.predict(XR)


def test_an_unfitted_model_says_so():
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(X)


def test_importing_fastprop_does_not_import_scikit_learn():
    result = run_python("import sys, fastprop; print(*{'sklearn', 'scipy'} & set(sys.modules))")
    assert (result.stdout.strip(), result.stderr) == ("", "")


# In scikit-learn's world


def test_feature_names_are_kept_and_asked_for():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = MLPClassifier(random_state=0, max_iter=5, early_stopping=True).fit(frame, names)
    np.testing.assert_array_equal(model.feature_names_in_, list("abcd"))
    model.predict(frame)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)


@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_is_the_same_bits_as_dense(container, solver):
    sparse = container(np.where(abs(XR) > 1, XR, 0))
    dense, other = (
        MLPRegressor(hidden_layer_sizes=10, solver=solver, random_state=0, max_iter=10).fit(data, yr)
        for data in (sparse.toarray(), sparse)
    )
    assert bits(dense) == bits(other)
    np.testing.assert_array_equal(dense.predict(sparse), dense.predict(sparse.toarray()))


# What scikit-learn's own do wrong


def test_warm_start_keeps_the_best_weights_of_early_stopping():
    """A second fit that finds nothing better ends with those of the first."""
    model = MLPClassifier(early_stopping=True, warm_start=True, random_state=0, max_iter=100, learning_rate_init=0.01)
    model.fit(X, names)
    best, kept = model.best_validation_score_, bits(model)
    model.set_params(max_iter=3, learning_rate_init=1e-9)
    model.fit(X, names)
    assert model.best_validation_score_ == best
    assert bits(model) == kept


def test_warm_start_keeps_adams_state():
    """Fits of 5 epochs and of 5 more equal one of 10, the order of the rows being fixed."""
    whole = MLPClassifier(random_state=0, shuffle=False, max_iter=10).fit(X, names)
    parts = MLPClassifier(random_state=0, shuffle=False, max_iter=5, warm_start=True)
    for _ in range(2):
        parts.fit(X, names)
    assert bits(whole) == bits(parts)
    np.testing.assert_array_equal(whole.loss_curve_, parts.loss_curve_)


def test_a_warm_start_may_change_its_mind():
    """From L-BFGS to batches, with early stopping and without."""
    model = MLPClassifier(solver="lbfgs", warm_start=True, random_state=0, max_iter=5).fit(X, names)
    score = model.score(X, names)
    for settings in ({"solver": "sgd"}, {"early_stopping": True}, {"early_stopping": False}, {"solver": "adam"}):
        model.set_params(**settings).fit(X, names)
        assert model.score(X, names) > score - 0.1
    assert len(model.loss_curve_) == 20
    assert len(model.validation_scores_) == 5


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_early_stopping_takes_sparse_labels_and_lists(scoring):
    Y = scipy.sparse.csr_matrix(np.column_stack([y == 0, y > 1]).astype(int))
    settings = {"early_stopping": True, "scoring": scoring, "random_state": 0, "max_iter": 5}
    sparse, dense = (MLPClassifier(**settings).fit(X, labels) for labels in (Y, Y.toarray()))
    assert bits(sparse) == bits(dense)
    assert sparse.validation_scores_ == dense.validation_scores_
    assert bits(MLPClassifier(**settings).fit(X.tolist(), names.tolist())) == bits(
        MLPClassifier(**settings).fit(X, names)
    )


def test_several_outputs_follow_the_gradient_of_their_loss():
    """scikit-learn's loss is a mean over outputs, its gradient a sum: copies of a target learn as one alone does."""
    settings = {"hidden_layer_sizes": 4, "solver": "sgd", "momentum": 0, "alpha": 0, "shuffle": False, "max_iter": 1}
    Y = np.column_stack([yr, yr])
    one = MLPRegressor(random_state=0, batch_size=len(XR), **settings).fit(XR, Y)
    model = fp.mlp(XR.shape[1], 4, 2, dtype="float64")
    start = MLPRegressor(random_state=0, batch_size=len(XR), learning_rate_init=1e-300, **settings).fit(XR, Y)
    for layer, W, b in zip(model.layers, start.coefs_, start.intercepts_, strict=True):
        layer.W, layer.b = W, b
    loss, grad = fp.gradient(model, XR, Y, 0.5 * fp.MSE())
    assert one.loss_ == pytest.approx(loss, rel=1e-12)
    model.theta -= 0.001 * grad
    np.testing.assert_allclose(one.coefs_[1], model.layers[1].W, rtol=1e-12)


def test_partial_fit_is_not_there_for_lbfgs():
    for cls in (MLPClassifier, MLPRegressor):
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")


def test_a_diverging_fit_raises_without_early_stopping():
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(solver="sgd", learning_rate_init=1e3, random_state=0).fit(XR, 1e3 * yr)


def test_an_interrupt_leaves_what_is_learnt():
    class Interrupt(fp.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = MLPClassifier(random_state=0, callbacks=[Interrupt()]).fit(X, names)
    assert model.n_iter_ == 3
    assert model.score(X, names) > 0.3


def test_reaching_max_iter_warns_as_scikit_learn():
    for cls in (MLPClassifier, neural_network.MLPClassifier):
        with pytest.warns(ConvergenceWarning, match=r"Stochastic Optimizer: Maximum iterations \(2\)"):
            cls(max_iter=2).fit(X, names)


# What they do besides


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": ["gelu", fp.LeakyReLU(0.1)], "hidden_layer_sizes": (16, 8), "learning_rate_init": 0.02},
        {"solver": "nadam", "learning_rate_init": 0.02},
        {"solver": fp.AdamW(0.01, weight_decay=0.01)},
        {"learning_rate": fp.CosineDecay(0.02)},
        {"dropout": 0.1, "batch_norm": True, "learning_rate_init": 0.02},
        {"loss": "focal", "learning_rate_init": 0.02},
        {"loss": fp.CrossEntropy(label_smoothing=0.1), "learning_rate_init": 0.02},
        {"class_weight": "balanced", "n_threads": 1, "learning_rate_init": 0.02},
    ],
    ids=str,
)
def test_the_cores_words_train_a_classifier(settings):
    model = MLPClassifier(**({"hidden_layer_sizes": 20, "random_state": 0, "max_iter": 60} | settings)).fit(X, names)
    assert model.score(X, names) > 0.9
    assert bits(clone(model).fit(X, names)) == bits(model)
    assert bits(pickle.loads(pickle.dumps(model))) == bits(model)


@pytest.mark.parametrize("loss", ["huber", "log_cosh", fp.Quantile(0.5), fp.Tweedie(1.5), "gamma"], ids=str)
def test_the_cores_losses_train_a_regressor(loss):
    model = MLPRegressor(loss, 20, learning_rate_init=0.01, random_state=0, max_iter=60, early_stopping=True)
    assert model.fit(XR, yr).score(XR, yr) > 0.3


def test_several_quantiles_are_columns():
    model = MLPRegressor(fp.Quantile([0.1, 0.5, 0.9]), 20, learning_rate_init=0.01, random_state=0, max_iter=100)
    low, middle, high = model.fit(XR, yr).predict(XR).T
    assert [round(float((yr < quantile).mean()), 1) for quantile in (low, middle, high)] == [0.1, 0.5, 0.9]
    assert low.mean() < middle.mean() < high.mean()


def test_two_classes_may_take_a_loss_of_classes():
    model = MLPClassifier(loss="focal", random_state=0, max_iter=50, learning_rate_init=0.02).fit(X, names == "setosa")
    assert model.predict_proba(X).shape == (len(X), 2)
    assert model.score(X, names == "setosa") == 1


def test_class_weights_are_weights_of_rows():
    weights = {"setosa": 1.0, "versicolor": 2.0, "virginica": 0.5}
    one = MLPClassifier(class_weight=weights, random_state=0, max_iter=5).fit(X, names)
    other = MLPClassifier(random_state=0, max_iter=5).fit(X, names, compute_sample_weight(weights, names))
    assert bits(one) == bits(other)


def test_a_part_of_the_rows_cannot_balance_the_classes():
    """As scikit-learn's SGDClassifier says; a dict is taken."""
    with pytest.raises(ValueError, match="partial_fit does not support class_weight='balanced'"):
        MLPClassifier(class_weight="balanced").partial_fit(X, names, classes=np.unique(names))
    weights = {"setosa": 1.0, "versicolor": 2.0, "virginica": 0.5}
    one = MLPClassifier(class_weight=weights, random_state=0).partial_fit(X, names, classes=np.unique(names))
    other = MLPClassifier(random_state=0)
    other.partial_fit(X, names, compute_sample_weight(weights, names), classes=np.unique(names))
    assert bits(one) == bits(other)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss"])
def test_own_validation_rows_decide(scoring):
    model = MLPClassifier(early_stopping=True, scoring=scoring, random_state=0, max_iter=40, learning_rate_init=0.02)
    model.fit(X[::2], names[::2], X_val=X[1::2], y_val=names[1::2])
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == len(model.loss_curve_)
    assert model.best_validation_score_ == max(model.validation_scores_)
    if scoring is None:
        assert model.score(X[1::2], names[1::2]) == model.best_validation_score_
    else:
        np.testing.assert_allclose(model.validation_scores_, -np.array(model.validation_loss_curve_), rtol=1e-9)


def test_validation_rows_without_early_stopping_only_tell():
    settings = {"random_state": 0, "max_iter": 8}
    model = MLPClassifier(**settings).fit(X[::2], names[::2], X_val=X[1::2], y_val=names[1::2])
    assert bits(model) == bits(MLPClassifier(**settings).fit(X[::2], names[::2]))
    assert len(model.validation_loss_curve_) == 8
    with pytest.raises(ValueError, match="X_val and y_val"):
        model.fit(X, names, X_val=X)


def test_time_may_be_limited():
    model = MLPClassifier(max_seconds=0.2, max_iter=10**9, n_iter_no_change=np.inf, random_state=0).fit(X, names)
    assert 0 < model.n_iter_ < 10**6


def test_callbacks_are_not_kept_by_the_model():
    losses = []
    listen = fp.LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["objective"]))
    model = MLPClassifier(random_state=0, max_iter=5, callbacks=[listen]).fit(X, names)
    assert losses == model.loss_curve_
    assert not hasattr(listen, "trainer")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": ["relu", "tanh"]}, "names 2 activations, but there are 1"),
        ({"activation": "rellu"}, "activation"),
        ({"solver": "lbfgs", "dropout": 0.5}, "no dropout"),
        ({"loss": "mse"}, "gives no probabilities"),
        ({"loss": "binary_cross_entropy"}, "3 classes"),
        ({"dropout": 1.5}, "dropout"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, names)


def test_progress_is_shown_on_request(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPClassifier(max_iter=3, verbose="progress", random_state=0).fit(X, names)
    assert "Iteration" not in capsys.readouterr().out


# Threads


def test_threadpoolctl_limits_fastprops_threads():
    before = fp.num_threads()
    (found,) = (one for one in threadpool_info() if one["user_api"] == "fastprop")
    assert (found["num_threads"], found["version"]) == (before, fp.__version__)
    for limits in (1, {"fastprop": 1}):
        with threadpool_limits(limits):
            assert fp.num_threads() == 1
        assert fp.num_threads() == before


def test_joblibs_workers_share_the_processors():
    """joblib tells its workers by OMP_NUM_THREADS, which is heard where FASTPROP_NUM_THREADS says nothing."""
    code = "import fastprop as fp; print(fp.num_threads())"
    counts = [
        run_python(code, OMP_NUM_THREADS=omp, FASTPROP_NUM_THREADS=own).stdout.strip()
        for omp, own in (("1", None), ("1,2", None), ("1", "3"), ("x", "2"))
    ]
    assert counts == ["1", "1", "3", "2"]
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(joblib.delayed(fp.num_threads)() for _ in range(2)) == [1, 1]
