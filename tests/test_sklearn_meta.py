"""The estimators inside scikit-learn's own: what takes an estimator gives with fastprop's what it gives with its MLPs.

Both follow the same path to some 1e-14, so that nothing is compared with what this package computes alone where
scikit-learn's own classes can stand in the same place.
"""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import datasets, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.impute import IterativeImputer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import compute_sample_weight
from threadpoolctl import threadpool_limits

import fastprop as fp
from fastprop import sklearn as ours

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have valid feature names"),
]

SHORT = {"hidden_layer_sizes": (12,), "max_iter": 25, "learning_rate_init": 0.02, "random_state": 0}
ALIKE = {"rtol": 1e-7, "atol": 1e-9}

X, y = datasets.load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
names = np.array(["setosa", "versicolor", "virginica"])[y]
XR, yr = (part[:150] for part in datasets.load_diabetes(return_X_y=True))
XR, yr = XR / XR.std(axis=0), yr / yr.std()
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 0, "long", "short"))


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks; and with several threads scikit-learn's BLAS gives other last bits."""
    with threadpool_limits(1):
        yield


def classifier(library, **settings):
    return library.MLPClassifier(**SHORT | settings)


def regressor(library, **settings):
    return library.MLPRegressor(**SHORT | settings)


def of_both(make):
    """What `make` makes with fastprop's classes, and with scikit-learn's."""
    return make(ours), make(neural_network)


# Estimators of estimators

ALPHAS = {"alpha": [1e-4, 1.0, 100.0]}

OF_CLASSIFIERS = {
    "Pipeline": lambda mlp: make_pipeline(StandardScaler(), mlp()),
    "GridSearchCV": lambda mlp: GridSearchCV(mlp(), ALPHAS, cv=3),
    "GridSearchCV of a Pipeline": lambda mlp: GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("mlp", mlp())]),
        {"mlp__hidden_layer_sizes": [(3,), (5, 4)], "mlp__activation": ["tanh", "logistic"], "scale": ["passthrough"]},
        cv=3,
    ),
    "RandomizedSearchCV": lambda mlp: RandomizedSearchCV(mlp(), ALPHAS, n_iter=2, cv=3, random_state=0),
    "HalvingGridSearchCV": lambda mlp: HalvingGridSearchCV(mlp(), ALPHAS, cv=3, random_state=0),
    "HalvingGridSearchCV over epochs": lambda mlp: HalvingGridSearchCV(
        mlp(), ALPHAS, cv=3, resource="max_iter", max_resources=18, random_state=0
    ),
    "HalvingRandomSearchCV": lambda mlp: HalvingRandomSearchCV(
        mlp(), ALPHAS, n_candidates=3, cv=3, random_state=0
    ),
    "CalibratedClassifierCV": lambda mlp: CalibratedClassifierCV(mlp(), cv=3),
    "CalibratedClassifierCV, isotonic, one": lambda mlp: CalibratedClassifierCV(
        mlp(), cv=3, method="isotonic", ensemble=False
    ),
    "VotingClassifier": lambda mlp: VotingClassifier(
        [("one", mlp()), ("two", mlp(solver="sgd")), ("three", LogisticRegression())], voting="soft"
    ),
    "StackingClassifier": lambda mlp: StackingClassifier([("one", mlp()), ("two", mlp(activation="tanh"))], cv=3),
    "StackingClassifier, in the end": lambda mlp: StackingClassifier([("line", LogisticRegression())], mlp(), cv=3),
    "BaggingClassifier": lambda mlp: BaggingClassifier(
        mlp(), 3, max_samples=0.7, max_features=0.8, random_state=0
    ),
    "AdaBoostClassifier": lambda mlp: AdaBoostClassifier(mlp(), n_estimators=3, random_state=0),
    "OneVsRestClassifier": lambda mlp: OneVsRestClassifier(mlp()),
    "OneVsOneClassifier": lambda mlp: OneVsOneClassifier(mlp()),
    "OutputCodeClassifier": lambda mlp: OutputCodeClassifier(mlp(), random_state=0),
    "SequentialFeatureSelector": lambda mlp: make_pipeline(
        SequentialFeatureSelector(mlp(max_iter=8), n_features_to_select=2, cv=2), mlp()
    ),
    "RFE by the first layer's weights": lambda mlp: RFE(mlp(), importance_getter=first_weights),
    "FrozenEstimator": lambda mlp: FrozenEstimator(mlp().fit(X, names)),
    "CalibratedClassifierCV of a FrozenEstimator": lambda mlp: CalibratedClassifierCV(
        FrozenEstimator(mlp().fit(X, names))
    ),
}  # fmt: skip

OF_REGRESSORS = {
    "Pipeline": lambda mlp: make_pipeline(StandardScaler(), mlp()),
    "GridSearchCV": lambda mlp: GridSearchCV(mlp(), ALPHAS, cv=3, scoring="neg_mean_absolute_error"),
    "StackingRegressor": lambda mlp: StackingRegressor([("one", mlp()), ("line", LinearRegression())], cv=3),
    "VotingRegressor": lambda mlp: VotingRegressor([("one", mlp()), ("two", mlp(solver="sgd"))]),
    "BaggingRegressor": lambda mlp: BaggingRegressor(mlp(), 3, random_state=0),
    "AdaBoostRegressor": lambda mlp: AdaBoostRegressor(mlp(), n_estimators=3, random_state=0),
    "TransformedTargetRegressor": lambda mlp: TransformedTargetRegressor(mlp(), func=np.log1p, inverse_func=np.expm1),
    "TransformedTargetRegressor by a scaler": lambda mlp: TransformedTargetRegressor(
        mlp(), transformer=StandardScaler()
    ),
    "RANSACRegressor": lambda mlp: RANSACRegressor(mlp(), min_samples=100, max_trials=3, random_state=0),
    "MultiOutputRegressor": lambda mlp: MultiOutputRegressor(mlp()),
    "RegressorChain": lambda mlp: RegressorChain(mlp()),
}  # fmt: skip


def first_weights(model):
    return model.coefs_[0].T


def assert_results_alike(mine, theirs):
    """Two searches' scores, and what they chose."""
    assert mine.best_params_ == theirs.best_params_
    for name, values in theirs.cv_results_.items():
        if "score" in name and "time" not in name:
            np.testing.assert_allclose(mine.cv_results_[name], values, **ALIKE, err_msg=name)


@pytest.mark.parametrize("name", OF_CLASSIFIERS)
def test_what_takes_a_classifier_gives_what_it_gives_with_scikit_learns(name):
    def make(library):
        return OF_CLASSIFIERS[name](lambda **settings: classifier(library, **settings)).fit(X, names)

    mine, theirs = of_both(make)
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
    for method in ("predict_proba", "decision_function", "transform"):
        assert hasattr(mine, method) == hasattr(theirs, method)
        if hasattr(theirs, method):
            np.testing.assert_allclose(getattr(mine, method)(X), getattr(theirs, method)(X), **ALIKE)
    if hasattr(theirs, "cv_results_"):
        assert_results_alike(mine, theirs)


@pytest.mark.parametrize("name", OF_REGRESSORS)
def test_what_takes_a_regressor_gives_what_it_gives_with_scikit_learns(name):
    several = name in ("MultiOutputRegressor", "RegressorChain")
    target = np.column_stack([yr, yr**2, XR[:, 0]]) if several else yr

    def make(library):
        return OF_REGRESSORS[name](lambda **settings: regressor(library, **settings)).fit(XR, target)

    mine, theirs = of_both(make)
    np.testing.assert_allclose(mine.predict(XR), theirs.predict(XR), **ALIKE)
    if hasattr(theirs, "cv_results_"):
        assert_results_alike(mine, theirs)


@pytest.mark.parametrize(
    "make",
    [
        lambda mlp: MultiOutputClassifier(mlp),
        lambda mlp: ClassifierChain(mlp, random_state=0),
        lambda mlp: OneVsRestClassifier(mlp),
        lambda mlp: mlp,
    ],
    ids=["MultiOutputClassifier", "ClassifierChain", "OneVsRestClassifier", "alone"],
)
def test_several_labels_to_a_row_are_learnt_as_scikit_learns(make):
    labels = np.column_stack([y == 0, y > 0, X[:, 1] > 0]).astype(int)
    mine, theirs = of_both(lambda library: make(classifier(library)).fit(X, labels))
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), **ALIKE)


@pytest.mark.parametrize(
    "make",
    [
        lambda mlp: TunedThresholdClassifierCV(mlp, scoring="f1", cv=3),
        lambda mlp: FixedThresholdClassifier(mlp, threshold=0.3),
        lambda mlp: SelfTrainingClassifier(mlp, threshold=0.8, max_iter=3),
    ],
    ids=["TunedThresholdClassifierCV", "FixedThresholdClassifier", "SelfTrainingClassifier"],
)
def test_two_classes_and_unknown_ones_are_learnt_as_scikit_learns(make):
    two = (y == 1).astype(int)
    if isinstance(make(None), SelfTrainingClassifier):
        two[::2] = -1  # it is told nothing of these
    mine, theirs = of_both(lambda library: make(classifier(library)).fit(X, two))
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), **ALIKE)
    for name in ("best_threshold_", "transduction_", "labeled_iter_"):
        if hasattr(theirs, name):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), **ALIKE)


def test_class_weights_with_early_stopping_end_where_weights_of_rows_do_in_scikit_learns():
    """check_class_weight_classifiers asks for another end, of five held-out rows; this is its data."""
    few, of = datasets.make_blobs(centers=3, random_state=0, cluster_std=20)
    settings = {"early_stopping": True, "random_state": 0, "max_iter": 60, "n_iter_no_change": 20}
    for wanted in ({0: 1000, 1: 1e-4, 2: 1e-4}, {0: 1, 1: 3, 2: 0.5}, "balanced"):
        mine = ours.MLPClassifier(class_weight=wanted, **settings).fit(few, of)
        theirs = neural_network.MLPClassifier(**settings).fit(few, of, compute_sample_weight(wanted, of))
        np.testing.assert_allclose(mine.validation_scores_, theirs.validation_scores_, **ALIKE)
        np.testing.assert_allclose(mine.predict_proba(few), theirs.predict_proba(few), **ALIKE)


# Frames and columns


def columns(**settings):
    """Numbers scaled, words as numbers, and the rest as it is; 1 + 3 + 2 columns."""
    return ColumnTransformer(
        [("scale", StandardScaler(), ["a"]), ("words", OneHotEncoder(), ["kind"])], remainder="passthrough", **settings
    )


@pytest.mark.parametrize("sparse_threshold", [0, 1], ids=["dense", "sparse"])
def test_columns_of_a_frame_are_learnt_as_scikit_learns(sparse_threshold):
    def make(library):
        return make_pipeline(columns(sparse_threshold=sparse_threshold), classifier(library)).fit(FRAME, names)

    mine, theirs = of_both(make)
    np.testing.assert_allclose(mine.predict_proba(FRAME), theirs.predict_proba(FRAME), **ALIKE)
    assert mine.score(FRAME, names) == theirs.score(FRAME, names)


def test_frames_that_set_output_makes_keep_their_names():
    """And the order of their columns is minded."""
    union = FeatureUnion(
        [("as it is", FunctionTransformer(feature_names_out="one-to-one")), ("scale", StandardScaler())]
    )
    words = OneHotEncoder(sparse_output=False)
    made = make_pipeline(
        ColumnTransformer([("numbers", union, list("abcd")), ("words", words, ["kind"])]), classifier(ours)
    )
    model = made.set_output(transform="pandas").fit(FRAME, names)[-1]
    assert list(model.feature_names_in_[[0, 4, 8, 9]]) == [
        "numbers__as it is__a", "numbers__scale__a", "words__kind_long", "words__kind_short",
    ]  # fmt: skip
    frame = made[:-1].transform(FRAME)
    np.testing.assert_array_equal(model.predict_proba(frame), made.predict_proba(FRAME))
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(frame[frame.columns[::-1]])


def test_an_imputer_fills_as_with_scikit_learns():
    holes = XR.copy()
    holes[::7, 2] = holes[::11, 4] = np.nan

    def filled(library):
        imputer = IterativeImputer(regressor(library), max_iter=2, random_state=0, tol=1)
        return imputer.fit_transform(holes)

    np.testing.assert_allclose(*of_both(filled), **ALIKE)


# Validation, curves and inspection


@pytest.mark.parametrize(
    "inspect",
    [
        lambda mlp: cross_val_score(mlp, X, names, cv=4),
        lambda mlp: cross_val_predict(mlp, X, names, cv=4, method="predict_proba"),
        lambda mlp: cross_val_predict(mlp, X, names, cv=4, method="predict_log_proba"),
        lambda mlp: cross_validate(mlp, X, names, cv=3, scoring=["neg_log_loss", "roc_auc_ovr"])["test_neg_log_loss"],
        lambda mlp: learning_curve(mlp, X, names, cv=3, train_sizes=[40, 80], shuffle=True, random_state=0)[2],
        lambda mlp: learning_curve(
            mlp, X, names, cv=3, train_sizes=[40, 80], exploit_incremental_learning=True, shuffle=True, random_state=0
        )[2],
        lambda mlp: validation_curve(mlp, X, names, param_name="alpha", param_range=[0.1, 100], cv=3)[1],
        lambda mlp: permutation_test_score(mlp, X, names, cv=2, n_permutations=3, random_state=0)[1],
        lambda mlp: permutation_importance(mlp.fit(X, names), X, names, n_repeats=2, random_state=0).importances,
        lambda mlp: partial_dependence(mlp.fit(X, names), X, [2], grid_resolution=5).average,
        lambda mlp: partial_dependence(mlp.fit(X, names), X, [(2, 3)], grid_resolution=4).average,
    ],
    ids=[
        "cross_val_score", "cross_val_predict", "log probabilities", "cross_validate", "learning_curve",
        "learning_curve by partial_fit", "validation_curve", "permutation_test_score", "permutation_importance",
        "partial_dependence", "partial_dependence of two",
    ],
)  # fmt: skip
def test_validation_and_inspection_see_what_they_see_in_scikit_learns(inspect):
    np.testing.assert_allclose(*of_both(lambda library: inspect(classifier(library))), **ALIKE)


# Processes and threads: the same bits for any number


def probabilities(**parallel):
    """Of the left-out rows, and of a search's best network; X is handed to processes as a read-only memory map."""
    model = classifier(ours, early_stopping=True, validation_fraction=0.2)
    grid = {"activation": ["gelu", fp.LeakyReLU(0.1)], "solver": ["adam", fp.AdamW(0.02, weight_decay=0.1)]}
    with joblib.parallel_config(**parallel):
        search = GridSearchCV(model, grid, cv=2).fit(X, names)
        voted = VotingClassifier([("one", model), ("two", clone(model).set_params(dropout=0.2))], voting="soft")
        return [
            cross_val_predict(model, X, names, cv=3, method="predict_proba"),
            search.cv_results_["mean_test_score"],
            search.predict_proba(X),
            voted.fit(X, names).predict_proba(X),
        ]


@pytest.mark.parametrize(
    "parallel",
    [{"backend": "loky", "n_jobs": 2, "max_nbytes": 100}, {"backend": "threading", "n_jobs": 2}],
    ids=["processes", "threads"],
)
def test_bits_do_not_depend_on_n_jobs(parallel):
    for alone, together in zip(probabilities(n_jobs=1), probabilities(**parallel), strict=True):
        np.testing.assert_array_equal(alone, together)


# Copies


@pytest.mark.parametrize(("compress", "mmap_mode"), [(0, None), (3, None), (0, "r"), (0, "c")])
def test_a_dumped_pipeline_goes_on_as_if_it_had_stayed(tmp_path, compress, mmap_mode):
    """Also where joblib maps its arrays from the file, which cannot be written to."""
    mlp = classifier(ours, dropout=0.1, batch_norm=True, warm_start=True, solver=fp.Adam(0.02, ema_decay=0.9))
    model = make_pipeline(columns(), mlp).fit(FRAME, names)
    joblib.dump(model, tmp_path / "model", compress=compress)
    loaded = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
    np.testing.assert_array_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
    before = model.predict_proba(FRAME)
    for each in (model, loaded):
        each.fit(FRAME, names)
    np.testing.assert_array_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
    assert (model.predict_proba(FRAME) != before).any()


def test_a_search_and_what_it_found_survive_a_pickle():
    search = GridSearchCV(classifier(ours), {"solver": [fp.Lion(0.01), "sgd"]}, cv=2).fit(X, names)
    copy = pickle.loads(pickle.dumps(search))
    assert copy.best_params_ == search.best_params_
    np.testing.assert_array_equal(copy.predict_proba(X), search.predict_proba(X))
    assert joblib.hash(copy.best_estimator_.coefs_) == joblib.hash(search.best_estimator_.coefs_)


def test_a_clone_has_the_parameters_and_nothing_learnt():
    model = classifier(ours, activation=["gelu"], solver=fp.AdamW(0.01), class_weight=dict.fromkeys(set(names), 1))
    copy = clone(model.fit(X, names))
    assert copy.get_params() == model.get_params()
    assert not any(name.endswith("_") and not name.startswith("__") for name in vars(copy))
    assert "MLPClassifier" in copy._repr_html_()


def test_a_bag_is_warm_started_with_more():
    mine, theirs = of_both(
        lambda library: (
            BaggingClassifier(classifier(library), 2, warm_start=True, random_state=0)
            .fit(X, names)
            .set_params(n_estimators=4)
            .fit(X, names)
        )
    )
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), **ALIKE)


# Metadata routing

WEIGHTS = np.linspace(0.1, 2, len(X))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_as_to_scikit_learns():
    """To fit and to score, through a search, cross-validation and a pipeline."""

    def scores(library):
        mlp = classifier(library).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), mlp)
        search = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 10]}, cv=2)
        search.fit(X, names, sample_weight=WEIGHTS)
        validated = cross_validate(pipe, X, names, cv=3, params={"sample_weight": WEIGHTS})["test_score"]
        bag = BaggingClassifier(mlp, 2, random_state=0).fit(X, names, sample_weight=WEIGHTS)
        return np.hstack(
            [
                validated,
                search.cv_results_["mean_test_score"],
                search.predict_proba(X).ravel(),
                bag.predict_proba(X).ravel(),
            ]
        )

    np.testing.assert_allclose(*of_both(scores), **ALIKE)


@pytest.mark.usefixtures("routing")
def test_validation_rows_are_routed_and_transformed():
    """A pipeline scales X_val as it scales X where it is told to: as by hand."""
    settings = {"early_stopping": True, "scoring": "loss", "n_iter_no_change": 3}
    mlp = classifier(ours, **settings).set_fit_request(
        X_val=True, y_val=True, sample_weight=True, sample_weight_val=True
    )
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    data = FRAME[list("abcd")].to_numpy() * 10 + 3
    train, held_out = np.arange(len(X)) % 3 > 0, np.arange(len(X)) % 3 == 0
    pipe = Pipeline([("scale", scaler), ("mlp", mlp)], transform_input=["X_val"])
    pipe.fit(
        data[train], names[train], X_val=data[held_out], y_val=names[held_out], sample_weight=WEIGHTS[train],
        sample_weight_val=WEIGHTS[held_out],
    )  # fmt: skip
    scale = StandardScaler().fit(data[train]).transform
    alone = classifier(ours, **settings).fit(
        scale(data[train]), names[train], WEIGHTS[train], X_val=scale(data[held_out]), y_val=names[held_out],
        sample_weight_val=WEIGHTS[held_out],
    )  # fmt: skip
    assert alone.validation_scores_ == pipe[-1].validation_scores_
    np.testing.assert_array_equal(pipe.predict_proba(data), alone.predict_proba(scale(data)))


@pytest.mark.usefixtures("routing")
def test_what_is_not_requested_is_refused():
    search = GridSearchCV(classifier(ours), ALPHAS, cv=2)
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="X_val"):
        search.fit(X, names, X_val=X, y_val=names)
    partial = classifier(ours).set_partial_fit_request(classes=True, sample_weight=True)
    assert partial.get_metadata_routing().partial_fit.requests == {"classes": True, "sample_weight": True}


def test_weights_go_through_a_pipeline_by_name():
    """Without routing, the old way."""

    def fitted(library):
        pipe = make_pipeline(StandardScaler(), classifier(library))
        return pipe.fit(X, names, mlpclassifier__sample_weight=WEIGHTS).predict_proba(X)

    np.testing.assert_allclose(*of_both(fitted), **ALIKE)
