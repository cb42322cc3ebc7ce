"""Tables of numbers and text: what the columns become, how well it learns beside scikit-learn, and what is refused.

The data are those that scikit-learn ships; what its StandardScaler, OneHotEncoder and linear models say is the measure.
"""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastprop as fp
from fastprop import serialization
from fastprop.columns import Categories, Numbers, encode_table
from fastprop.tabular import TableModel, _held_out

same_bits = pytest.mark.skipif(fp.target() == "baseline", reason="the same bits as on other targets, after minutes")


def table(name):
    """One of scikit-learn's tables with a column of text beside its numbers, made from the first of these."""
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    frame["size"] = pd.qcut(frame.iloc[:, 0], 3, labels=["small", "medium", "large"]).astype(str)
    if name == "iris":
        frame["target"] = bunch.target_names[bunch.target]
    return frame


@pytest.fixture(scope="module")
def iris():
    return table("iris")


@pytest.fixture(scope="module")
def model(iris):
    return TableModel.fit(iris, "target", epochs=60)


def some_rows(**columns):
    """24 rows with the target y, true in every second row."""
    return pd.DataFrame({"y": [True, False] * 12, "x": np.linspace(0, 1, 24) ** 2, **columns})


def fit(frame, target="y", **settings):
    return TableModel.fit(frame, target, **{"epochs": 1, **settings})


# What the columns become


def test_numbers_are_standardised_as_scikit_learn_does_with_the_training_rows_alone(iris):
    numbers = iris.drop(columns=["target", "size"])
    model = fit(iris, "target", seed=3)
    _, labels = np.unique(iris["target"], return_inverse=True)
    train = ~_held_out(labels, True, 0.2, 3)
    expected = StandardScaler().fit(numbers[train]).transform(numbers)
    np.testing.assert_allclose(encode_table(iris, model.columns)[:, :4], expected, atol=1e-6)


def test_text_is_encoded_as_scikit_learns_one_hot_encoder_does(rng_text):
    expected = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit_transform(rng_text.to_frame())
    column = Categories.learn(rng_text)
    np.testing.assert_array_equal(column.encode(rng_text), expected)
    assert column.missing, "a missing text is a category of its own, the last, as scikit-learn's None"


@pytest.fixture
def rng_text():
    words = np.array(["Ärger", "b, c", "", "2", None], dtype=object)
    return pd.Series(words[np.random.default_rng(0).integers(0, 5, 200)], name="word", dtype=object)


def test_a_missing_number_counts_as_the_mean_and_is_told_by_a_column_of_its_own():
    column = Numbers.learn(pd.Series([1.0, np.nan, 3.0, 8.0], name="x"))
    np.testing.assert_allclose(column.encode(pd.Series([4.0, np.nan])), [[0, 0], [0, 1]], atol=1e-15)


def test_true_and_false_are_1_and_0_and_a_missing_one_is_the_share_of_true():
    column = Numbers.learn(pd.Series([True, False, None, True, True], name="b", dtype=object))
    np.testing.assert_array_equal(
        column.encode(pd.Series([True, False, None], dtype=object)), [[1, 0], [0, 0], [0.75, 1]]
    )
    np.testing.assert_array_equal(column.encode(pd.Series(["TRUE", "false", None])), [[1, 0], [0, 0], [0.75, 1]])


def test_whole_numbers_that_became_floats_keep_their_category():
    """A column of text "1", "2", "x" comes back as floats where a file holds 1, 2 and nothing."""
    column = Categories.learn(pd.Series(["1", "2", "x", None] * 2, name="code"))
    np.testing.assert_array_equal(column.encode(pd.Series([2.0, np.nan])), [[0, 1, 0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([7] * 24, "it is the same in every row"),
        (["same"] * 24, "it is the same in every row"),
        ([None] * 24, "it is empty"),
        ([f"name {i}" for i in range(24)], r"20 different texts in 20 rows are names rather than kinds$"),
        (pd.date_range("2024-01-01", periods=24), "it holds datetime64, neither numbers nor text"),
        ([1j] * 24, "it holds complex"),
    ],
    ids=["number", "text", "empty", "names", "dates", "complex"],
)
def test_a_column_that_can_teach_nothing_is_left_out_by_name(values, reason):
    with pytest.warns(UserWarning, match=f"column 'c' is left out: {reason}"):
        model = fit(some_rows(c=values))
    assert [column.name for column in model.columns] == ["x"]


@pytest.mark.parametrize("name", ["id", "Unnamed: 0", "Index", "#", "PassengerId", "row_id", "Customer ID"])
def test_numbers_of_rows_are_left_out(name):
    """pandas writes them when index=False is forgotten; in a sorted table they would give the target away."""
    with pytest.warns(UserWarning, match=f"column '{name}' is left out: it only numbers the rows"):
        fit(some_rows(**{name: range(24)}))


@pytest.mark.parametrize("name", ["year", "paid", "humid"])
def test_a_counter_of_another_name_is_a_number_like_others(name):
    assert {column.name for column in fit(some_rows(**{name: range(1990, 2014)})).columns} == {"x", name}


def test_a_batch_larger_than_the_table_is_cut_with_one_warning():
    with pytest.warns(UserWarning, match="batch_size is 1000, but there are 20 rows; using 20") as caught:
        fit(some_rows(), batch_size=1000, epochs=None)
    assert len(caught) == 1


def test_text_that_is_mostly_numbers_says_which_row_made_it_text():
    with pytest.warns(
        UserWarning, match=r"column 'c' is taken as text \(most are numbers, but data row 3 holds 'n\.a\.'"
    ):
        fit(some_rows(c=["1", "2", "n.a."] + ["3"] * 21), test_size=0)


def test_a_column_may_be_ignored(iris):
    assert [column.name for column in fit(iris, "target", ignore=["size"]).columns] == list(iris.columns[:4])


# What the target is


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["b", "a"] * 50, ("a", "b")),
        ([True, False] * 50, (False, True)),
        (pd.Categorical(["low", "high"] * 50), ("high", "low")),
        ([0, 1] * 50, (0, 1)),
        ([0.0, 1.0] * 50, (0, 1)),
        ([1, 2, 3, 4] * 25, (1, 2, 3, 4)),
        ([1, 2, 3, 4, 5] * 20, None),
        ([1.5, 2.5, 3, 4] * 25, None),
        (list(range(25)) * 4, None),
    ],
    ids=["text", "bool", "categorical", "0 and 1", "as floats", "4 of 100", "5 % of the rows", "fractions", "many"],
)
def test_the_targets_kind_follows_from_its_values(values, classes):
    frame = pd.DataFrame({"x": np.sin(np.arange(100)), "y": values})
    assert fit(frame).classes == classes


def test_task_overrides_the_targets_kind():
    frame = pd.DataFrame({"x": np.sin(np.arange(100)), "y": [0, 1] * 50})
    assert fit(frame, task="regression").classes is None
    assert fit(frame.assign(y=[0.5, 1, 1.5, 2] * 25), task="classification").classes == (0.5, 1.0, 1.5, 2.0)


def test_predictions_have_the_targets_type(iris, model):
    assert set(model.predict(iris)) <= set(iris["target"])
    labels = fit(some_rows()).predict(some_rows())
    assert labels.dtype == bool


def test_rows_without_a_target_are_left_out_with_a_warning():
    frame = some_rows().astype({"y": object})
    frame.loc[[3, 5], "y"] = None
    with pytest.warns(UserWarning, match="2 rows left out, in which 'y' is missing"):
        model = fit(frame)
    assert model.classes == (False, True)


# Held-out rows and scores


def test_the_held_out_rows_are_a_share_of_each_class():
    labels = np.repeat([0, 1, 2], [100, 50, 25])
    held_out = _held_out(labels, True, 0.2, 0)
    assert np.bincount(labels[held_out]).tolist() == [20, 10, 5]
    assert (held_out != _held_out(labels, True, 0.2, 1)).any()


@same_bits
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_classes_are_told_about_as_well_as_by_logistic_regression(name):
    frame = table(name)
    scores = [TableModel.fit(frame, "target", seed=seed).held_out["accuracy"] for seed in range(3)]
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    theirs = cross_val_score(linear, frame.drop(columns=["target", "size"]), frame["target"], cv=5).mean()
    assert min(scores) >= 0.9
    assert np.mean(scores) >= theirs - 0.03


@same_bits
def test_numbers_are_predicted_about_as_well_as_by_ridge_regression():
    frame = table("diabetes")
    models = [TableModel.fit(frame, "target", seed=seed) for seed in range(4)]
    ridge = make_pipeline(StandardScaler(), Ridge())
    theirs = cross_val_score(ridge, frame.drop(columns=["target", "size"]), frame["target"], cv=5).mean()
    scores = [model.held_out["r2"] for model in models]
    assert min(scores) > 0.3
    assert np.mean(scores) > theirs - 0.05
    assert all(model.held_out["mae"] < 0.8 * model.held_out["baseline"] for model in models)


def test_scores_are_those_of_scikit_learns_metrics():
    from sklearn.metrics import mean_absolute_error, r2_score

    frame = table("diabetes")
    model = fit(frame, "target", seed=5)
    y = frame["target"].to_numpy(float)
    held_out = _held_out(y, False, 0.2, 5)
    predicted = model.predict(frame[held_out])
    assert model.held_out["rows"] == held_out.sum() == 88
    assert model.held_out["r2"] == pytest.approx(r2_score(y[held_out], predicted))
    assert model.held_out["mae"] == pytest.approx(mean_absolute_error(y[held_out], predicted))
    assert model.held_out["baseline"] == pytest.approx(np.abs(y[held_out] - y[~held_out].mean()).mean())


def test_nothing_held_out_gives_no_score(iris):
    assert fit(iris, "target", test_size=0).held_out == {}


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(iris, model):
    again = TableModel.fit(iris, "target", epochs=60)
    assert np.array_equal(again.network.theta, model.network.theta)
    assert not np.array_equal(TableModel.fit(iris, "target", epochs=60, seed=1).network.theta, model.network.theta)


def test_no_hidden_layer_makes_a_linear_model(iris):
    assert [layer.units for layer in fit(iris, "target", hidden=()).network.layers] == [3]


@same_bits
def test_a_large_table_is_learned_with_one_fold():
    X, y = datasets.make_friedman1(8000, noise=1.0, random_state=0)
    model = TableModel.fit(pd.DataFrame(X).assign(y=y), "y")
    assert model.held_out["r2"] > 0.92, "a linear model has 0.72, the noise alone leaves 0.96"


def test_text_seen_in_held_out_rows_only_is_no_news_to_the_user():
    """Warnings are errors in these tests."""
    kinds = ["a", "b"] * 11 + ["c", "d"]
    for seed in range(3):
        fit(some_rows(kind=kinds), seed=seed)


# Predictions


def test_a_row_is_predicted_alike_alone_and_among_others(iris, model):
    together = model.predict_proba(iris)
    np.testing.assert_array_equal(model.predict_proba(iris.iloc[[17]]), together[[17]])
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_columns_may_stand_in_any_order_with_others_between(iris, model):
    shuffled = iris.assign(extra=1)[["extra", *reversed(iris.columns.drop("target"))]]
    np.testing.assert_array_equal(model.predict_proba(shuffled), model.predict_proba(iris))


def test_no_rows_give_no_predictions(iris, model):
    assert model.predict(iris[:0]).shape == (0,)


def test_unknown_text_counts_as_none_of_the_known_with_one_warning(iris, model):
    strange = iris.assign(size=["huge" if i in (4, 9) else size for i, size in enumerate(iris["size"])])
    with pytest.warns(UserWarning, match="size") as caught:
        model.predict(strange)
    assert [str(warning.message) for warning in caught] == [
        "column 'size' holds 'huge' in data row 5, which training did not see;"
        " it counts as none of the known ones (2 such rows)"
    ]
    with pytest.warns(UserWarning, match="column 'size' holds nothing in data row 1"):
        model.predict(iris.assign(size=None))


# Files


def test_a_saved_model_predicts_the_same_bits(tmp_path, iris, model):
    model.save(tmp_path / "iris.safetensors")
    loaded = TableModel.load(tmp_path / "iris.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(iris), model.predict_proba(iris))
    assert (loaded.columns, loaded.classes, loaded.held_out) == (model.columns, model.classes, model.held_out)
    assert repr(loaded) == repr(model)
    assert "'target', 3 classes, from 5 columns; held out: rows 30, accuracy 0.9" in repr(model)


@pytest.mark.parametrize("classes", [("0", "1"), (0, 1), (False, True), None], ids=str)
def test_labels_keep_their_type_in_a_file(tmp_path, classes):
    x = np.sin(np.arange(40))
    y = x if classes is None else np.array(classes)[(x > 0).astype(int)]
    model = fit(pd.DataFrame({"x": x, "y": y}))
    model.save(tmp_path / "model.safetensors")
    loaded = TableModel.load(tmp_path / "model.safetensors")
    assert loaded.classes == classes
    assert (loaded.mean, loaded.std) == (model.mean, model.std)
    assert loaded.predict(pd.DataFrame({"x": x})).dtype == model.predict(pd.DataFrame({"x": x})).dtype


def test_a_very_wide_table_can_be_saved(tmp_path):
    """Its description is longer than the file's header may be."""
    wide = pd.DataFrame(np.random.default_rng(0).standard_normal((12, 9000))).add_prefix("gene expression no. ")
    model = fit(wide.assign(y=[0, 1] * 6), hidden=())
    model.save(tmp_path / "wide.safetensors")
    assert (tmp_path / "wide.safetensors").stat().st_size > 1 << 20
    assert len(TableModel.load(tmp_path / "wide.safetensors").columns) == 9000


def test_a_flipped_bit_in_the_description_is_an_error(tmp_path, model):
    path = tmp_path / "iris.safetensors"
    model.save(path)
    data = path.read_bytes()
    assert data.count(b'"medium"') == 1
    path.write_bytes(data.replace(b'"medium"', b'"medium"'.replace(b"e", b"d")))
    with pytest.raises(ValueError, match="is damaged: tensor 'table' "):
        TableModel.load(path)


def test_files_of_other_kinds_are_refused_by_name(tmp_path, model):
    model.save(tmp_path / "table.safetensors")
    model.network.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="holds a table, but a model is wanted; `fastprop predict` reads it"):
        fp.load(tmp_path / "table.safetensors")
    with pytest.raises(ValueError, match=r"holds a model, but a table is wanted; fastprop\.load reads it"):
        TableModel.load(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"columns": []}, "the network's inputs are not as many as the columns become"),
        ({"columns": [{"kind": "os.system"}]}, "os.system"),
        ({"classes": ["a", "b"]}, "the network does not end in 2 of softmax"),
        ({"classes": [["a"], ["b"], ["c"]]}, "the classes are"),
        ({"std": "1"}, "std is a number"),
    ],
    ids=str,
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, model, change, reason):
    model.save(tmp_path / "table.safetensors")
    tensors, metadata = serialization.read(tmp_path / "table.safetensors", "table")
    description = {**json.loads(tensors["table"].tobytes()), **change}
    tensors["table"] = np.frombuffer(json.dumps(description).encode(), np.uint8)
    serialization.write(tmp_path / "table.safetensors", "table", tensors, {"model": metadata["model"]})
    with pytest.raises(ValueError, match=f"description of the table is not valid: .*{reason}"):
        TableModel.load(tmp_path / "table.safetensors")


# What is refused


@pytest.mark.parametrize(
    ("frame", "settings", "message"),
    [
        (some_rows(), {"target": "Y "}, "unknown column 'Y '; did you mean 'y'"),
        (some_rows(), {"target": "price"}, "unknown column 'price'; the table has 'y', 'x'"),
        (some_rows(), {"ignore": ["z"]}, "unknown column 'z'"),
        (some_rows()[:9], {}, "the table has 9 rows in which 'y' is known; at least 10 are wanted"),
        (some_rows()[["y"]], {}, "no column is left to learn from; the table has none but the target"),
        (some_rows().assign(y="yes"), {}, "target 'y' is 'yes' in every row; classification needs two classes"),
        (some_rows().assign(y=2.5), {}, "target 'y' is 2.5 in every training row; there is nothing to learn"),
        (some_rows().assign(y=list("abcdefghijklmnopqrstuvwx")), {}, "target 'y' has 24 different values in 24 rows"),
        (some_rows().assign(y=["1.5", "2.5", "oops", *map(str, range(21))]), {}, "but data row 3 holds 'oops'"),
        (some_rows().assign(y="12 kg"), {"task": "regression"}, "column 'y' holds '12 kg' in data row 1, but a number"),
        (some_rows(), {"task": "clustering"}, "unknown task 'clustering'"),
        (some_rows(z=[1.0] * 7 + [-np.inf] + [0.0] * 16), {}, "column 'z' is infinite in data row 8"),
        (some_rows(z=[1e308, -1e308] * 12), {}, "column 'z' holds 1e\\+308, too far from the others to scale"),
        (some_rows().assign(y=[1e308, -1e308] * 12), {"task": "regression"}, "column 'y' holds 1e\\+308, too far"),
        (some_rows().rename(columns={"x": "y"}), {}, "column 'y' is there twice"),
        (some_rows(), {"test_size": 0.9}, "test_size=0.9 of 24 rows holds out 21 and leaves 3 to train on"),
        (some_rows(), {"test_size": 1.0}, "test_size must be in 0..1, 1 excluded, but is 1.0"),
        (some_rows(), {"hidden": (64, 0)}, r"hidden\[1\] must be 1 or more, but is 0"),
        (some_rows(), {"epochs": 0}, "epochs must be 1 or more, but is 0"),
        (some_rows(), {"learning_rate": -1.0}, "learning_rate must be 0 or more, and finite, but is -1.0"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value[:40],
)
@pytest.mark.filterwarnings("ignore:column")
def test_what_cannot_be_learned_is_refused_by_name(frame, settings, message):
    with pytest.raises(ValueError, match=message):
        fit(frame, **settings)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": None}, "the table lacks 'x', which the model was trained on; it has 'b', 'kind'"),
        ({"x": ["1", "2", "many"]}, "column 'x' holds 'many' in data row 3, but a number is wanted there"),
        ({"x": [1, 2, np.inf]}, "column 'x' is infinite in data row 3"),
        ({"x": [1, 1e300, 2]}, r"column 'x' holds 1e\+300 in data row 2, too far from the training rows' values"),
        ({"b": [True, 2, False]}, "column 'b' holds 2 in data row 2, but true or false is wanted"),
        ({"b": ["true", "maybe", "no"]}, "column 'b' holds 'maybe' in data row 2"),
    ],
    ids=["lacking", "text", "infinite", "far", "two", "maybe"],
)
def test_tables_that_do_not_fit_the_model_are_refused_by_name(columns, message):
    model = fit(some_rows(b=[True, True, False] * 8, kind=list("aabb") * 6))
    frame = pd.DataFrame({"b": [True] * 3, "kind": list("aba"), "x": [1.0, 2.0, 3.0], **columns})
    with pytest.raises(ValueError, match=message):
        model.predict(frame.drop(columns=[name for name, values in columns.items() if values is None]))


def test_a_regression_has_no_probabilities():
    model = fit(some_rows(), "x")
    with pytest.raises(ValueError, match="'x' is predicted as a number, which has no probabilities"):
        model.predict_proba(some_rows())


def test_what_is_no_data_frame_is_refused():
    with pytest.raises(TypeError, match="frame is a pandas DataFrame, not a dict"):
        TableModel.fit({"x": [1]}, "x")


def test_a_step_too_long_is_reported():
    with pytest.raises(fp.DivergedError, match="learning_rate 1e\\+30"):
        fit(some_rows(), "x", learning_rate=1e30, hidden=(), epochs=100)
