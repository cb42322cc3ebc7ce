"""The command line as a user types it: right, in a hurry, and wrong. Errors are one sentence, never a traceback."""

import io
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

import fastprop as fp
from fastprop.cli import main
from fastprop.csv_files import read_csv
from fastprop.tabular import TableModel


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test in a folder of its own, with iris.csv in it."""
    monkeypatch.chdir(tmp_path)
    iris().to_csv("iris.csv", index=False)
    return tmp_path


def iris():
    bunch = datasets.load_iris(as_frame=True)
    sites = np.array(["north, left", 'south "b"', "west"])[np.random.default_rng(0).integers(0, 3, 150)]
    return bunch.frame.rename(columns={"target": "species"}).assign(
        species=bunch.target_names[bunch.target], site=sites
    )


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "iris.safetensors"
    TableModel.fit(iris(), "species", epochs=60).save(path)
    return str(path)


def fails(capsys, *argv):
    """The one sentence with which a command fails."""
    assert main(argv) == 1
    captured = capsys.readouterr()
    error = [line for line in captured.err.splitlines() if not line.startswith("note: ")]
    assert len(error) == 1, error
    assert error[0].startswith("fastprop: ")
    return error[0].removeprefix("fastprop: ")


def train(*argv, data="iris.csv", target="species", epochs="1"):
    return main(["train", data, "--target", target, "--epochs", epochs, *argv])


# Train and predict


def test_train_says_how_good_it_is_and_saves(capsys):
    assert main(["train", "iris.csv", "--target", "species"]) == 0
    out, err = capsys.readouterr()
    assert err == "", "no notes, and no progress bar where standard error is no terminal"
    lines = out.splitlines()
    assert lines[0] == "iris.csv: 150 rows, 6 columns"
    assert lines[1] == "Target     species, 3 classes: setosa, versicolor, virginica"
    assert lines[2].startswith("Network    7-64-64-3 from 5 columns, ")
    assert lines[2].endswith(" epochs (chosen by validation)")
    assert float(lines[3].removeprefix("Held out   30 rows: accuracy ").removesuffix("%")) >= 90
    assert lines[4] == "           (always answering the commonest class: 33.3%)"
    assert lines[5] == "Saved      iris.safetensors; use it with: fastprop predict iris.safetensors NEW.csv"


def test_train_predicts_numbers(capsys):
    datasets.load_diabetes(as_frame=True).frame.to_csv("diabetes.csv", index=False)
    assert main(["train", "diabetes.csv", "--target", "target", "--output", "model.bin"]) == 0
    out = capsys.readouterr().out
    assert "Target     target, a number" in out
    assert float(out.partition("R2 ")[2].partition(",")[0]) > 0.3
    assert "(always answering the mean: R2 0, mean absolute error " in out
    assert main(["predict", "model.bin", "diabetes.csv"]) == 0
    predictions = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert predictions["target"].between(0, 400).all()


def test_whole_numbers_as_classes_say_how_to_predict_numbers(capsys):
    datasets.load_wine(as_frame=True).frame.to_csv("wine.csv", index=False)
    assert train(data="wine.csv", target="target") == 0
    assert "3 classes: 0, 1, 2 (--task regression: a number)" in capsys.readouterr().out
    assert train("--task", "regression", data="wine.csv", target="target") == 0
    assert "Target     target, a number" in capsys.readouterr().out


def test_predict_writes_one_prediction_for_each_row(capsys, model_file):
    assert main(["predict", model_file, "iris.csv"]) == 0
    predictions = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(predictions.columns) == ["species"]
    assert (predictions["species"] == iris()["species"]).mean() > 0.9
    np.testing.assert_array_equal(predictions["species"], TableModel.load(model_file).predict(iris()))


def test_predict_needs_no_target_and_may_write_probabilities_to_a_file(capsys, model_file):
    iris().drop(columns="species").to_csv("new.csv", index=False)
    assert main(["predict", model_file, "new.csv", "--probabilities", "--output", "answers.csv"]) == 0
    assert capsys.readouterr() == ("", "")
    answers = pd.read_csv("answers.csv")
    names = [f"probability of {name}" for name in ("setosa", "versicolor", "virginica")]
    assert list(answers.columns) == ["species", *names]
    np.testing.assert_allclose(answers[names], TableModel.load(model_file).predict_proba(iris()), atol=1e-6)


def test_text_that_holds_numbers_only_in_the_new_file_is_still_text(capsys):
    frame = iris().assign(site=["007", "7", "x"] * 50)
    frame.to_csv("codes.csv", index=False)
    assert train("--test-size", "0", data="codes.csv") == 0
    assert (
        capsys.readouterr().err == "note: column 'site' is taken as text (most are numbers, but data row 3 holds 'x')\n"
    )
    frame.assign(site=["007", "7", "7"] * 50).to_csv("new.csv", index=False)
    assert main(["predict", "codes.safetensors", "new.csv"]) == 0
    assert capsys.readouterr().err == "", "007 is not 7, and neither is unknown"


def test_settings_reach_the_network(capsys):
    settings = ["--hidden", "8,4", "--seed", "3", "--batch-size", "16", "--test-size", "0.1", "--ignore", "site"]
    assert train(*settings, "--learning-rate", "0.02", epochs="2") == 0
    out = capsys.readouterr().out
    assert "Network    4-8-4-3 from 4 columns, 2 epochs\n" in out
    assert "15 rows" in out
    expected = TableModel.fit(
        iris(),
        "species",
        hidden=(8, 4),
        seed=3,
        batch_size=16,
        test_size=0.1,
        ignore=["site"],
        learning_rate=0.02,
        epochs=2,
    )
    np.testing.assert_array_equal(TableModel.load("iris.safetensors").network.theta, expected.network.theta)


def test_no_hidden_layer(capsys):
    assert train("--hidden", "none") == 0
    assert "Network    7-3 from" in capsys.readouterr().out


def test_nothing_held_out(capsys):
    assert train("--test-size", "0") == 0
    assert "Held out   no rows, so there is no score" in capsys.readouterr().out


# Files as they come


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("tabs.tsv", {"sep": "\t"}),
        ("tabs.txt", {"sep": "\t"}),
        ("bars.csv", {"sep": "|"}),
        ("european.csv", {"sep": ";", "decimal": ",", "encoding": "utf-8-sig"}),
        ("excel.txt", {"sep": "\t", "decimal": ",", "encoding": "utf-16"}),
        ("bom.csv", {"encoding": "utf-8-sig"}),
        ("windows.csv", {"lineterminator": "\r\n"}),
        ("quoted.csv", {"quoting": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_separators_decimals_and_encodings_are_found(folder, name, how):
    frame = iris().rename(columns={"site": "Größe, lang"})
    frame.to_csv(name, index=False, **how)
    pd.testing.assert_frame_equal(read_csv(folder / name), frame, check_dtype=False)


def test_a_separator_may_be_given(folder):
    iris().to_csv("iris.txt", index=False, sep=" ")
    pd.testing.assert_frame_equal(read_csv(folder / "iris.txt", separator=" "), iris(), check_dtype=False)
    iris().to_csv("iris.tsv", index=False, sep="\t")
    assert train("--separator", "tab", data="iris.tsv") == 0


def test_windows_text_is_read_with_a_note(folder, capsys):
    frame = iris().rename(columns={"site": "Größe"})
    frame.to_csv("old.csv", index=False, sep=";", encoding="cp1252")
    assert train(data="old.csv") == 0
    assert capsys.readouterr().err == "note: old.csv is not in UTF-8; it is read as Windows-1252\n"
    assert TableModel.load("old.safetensors").columns[4].name == "Größe"


def test_blanks_after_separators_and_question_marks_are_understood(folder):
    (folder / "adult.csv").write_text("age, work\n39, State-gov\n?, ?\n")
    frame = read_csv(folder / "adult.csv")
    assert frame.columns.tolist() == ["age", "work"]
    assert frame["work"].tolist()[0] == "State-gov"
    assert frame.isna().sum().tolist() == [1, 1]


def test_notes_say_what_is_left_out(capsys):
    frame = iris().assign(name=[f"flower {i}" for i in range(150)], one=1)
    frame.loc[3, "species"] = None
    frame.to_csv("iris.csv")
    assert train() == 0
    assert capsys.readouterr().err.splitlines() == [
        "note: 1 row left out, in which 'species' is missing",
        "note: column 'Unnamed: 0' is left out: it only numbers the rows",
        "note: column 'name' is left out: 120 different texts in 120 rows are names rather than kinds",
        "note: column 'one' is left out: it is the same in every row",
    ]


def test_unknown_text_is_noted_and_predicted(capsys, model_file):
    iris().assign(site="the moon").to_csv("new.csv", index=False)
    assert main(["predict", model_file, "new.csv"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 151
    assert err.startswith("note: column 'site' holds 'the moon' in data row 1, which training did not see;")


# Mistakes


def test_a_mistyped_column_is_named(capsys):
    assert (
        fails(capsys, "train", "iris.csv", "--target", "Specis") == "unknown column 'Specis'; did you mean 'species'?"
    )


def test_a_mistyped_file_is_named(capsys, model_file):
    assert fails(capsys, "train", "irs.csv", "--target", "y") == "there is no file irs.csv; did you mean iris.csv?"
    assert fails(capsys, "predict", model_file, "zzz.csv") == "there is no file zzz.csv"
    assert fails(capsys, "predict", "no/model.safetensors", "iris.csv") == "there is no file no/model.safetensors"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "data.csv is empty"),
        (b"\n\n", "data.csv is empty"),
        (b"a,y\n", "data.csv has no rows below its first line, which names the columns"),
        (b"a,y\n1,2\n1,2,3\n", "data.csv is not a table: Expected 2 fields in line 3, saw 3"),
        (b"a,y\n1,2,3\n4,5,6\n", "data.csv has 3 columns in its first row, but its first line has 2 names"),
        (b"PK\x03\x04 and so on", "data.csv is a zip file or an Excel workbook; save it as CSV first"),
        (b"\x00\x01\x02", "data.csv is not a text file, so no CSV file"),
        (b"a,y\n1,2\n", "the table has 1 row in which 'y' is known; at least 10 are wanted"),
        (b"a,y\n" + b"1,2\n" * 20, "target 'y' is 2 in every row; classification needs two classes or more"),
    ],
    ids=["empty", "blank", "header", "ragged", "nameless", "zip", "binary", "few", "one class"],
)
def test_files_that_are_no_table_to_learn_from(capsys, folder, content, message):
    (folder / "data.csv").write_bytes(content)
    assert fails(capsys, "train", "data.csv", "--target", "y") == message


def test_an_infinite_number_is_named(capsys):
    frame = iris()
    frame.iloc[6, 2] = np.inf
    frame.to_csv("iris.csv", index=False)
    said = fails(capsys, "train", "iris.csv", "--target", "species")
    assert said.startswith("column 'petal length (cm)' is infinite in data row 7 (1 such row)")


def test_a_file_without_names_of_columns_is_noted(capsys):
    iris().to_csv("iris.csv", index=False, header=False)
    assert train() == 1
    assert "note: the first line of iris.csv is taken for the columns' names, such as '5.1'" in capsys.readouterr().err


def test_a_separator_not_found_is_noted(capsys):
    iris().drop(columns="site").to_csv("iris.csv", index=False, sep="~")
    assert train() == 1
    assert "note: iris.csv has one column only; if not, --separator tells what parts them" in capsys.readouterr().err


def test_a_folder_is_no_file(capsys, folder):
    assert fails(capsys, "train", ".", "--target", "y") == ". is not a file"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("iris.csv", "iris.csv would be written over, but it is what is read; give another --output"),
        (".", ". is a folder; --output is a file in it"),
        ("no/model", "there is no folder "),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_training(capsys, monkeypatch, output, message):
    monkeypatch.setattr(TableModel, "fit", None)
    assert fails(capsys, "train", "iris.csv", "--target", "species", "--output", output).startswith(message)


def test_a_folder_that_may_not_be_written_in_is_refused_before_training(capsys, monkeypatch, folder):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # what the superuser cannot be shown otherwise
    said = fails(capsys, "train", "iris.csv", "--target", "species")
    assert said == f"{folder} may not be written in; give another --output"


def test_what_is_no_model_is_refused(capsys, model_file):
    said = fails(capsys, "predict", "iris.csv", "iris.csv")
    assert said.startswith("iris.csv is not a file of fastprop's")
    fp.mlp(2, 1).save("model.safetensors")
    assert "holds a model, but a table is wanted" in fails(capsys, "predict", "model.safetensors", "iris.csv")
    assert "is not a text file" in fails(capsys, "train", model_file, "--target", "species")


def test_predict_names_the_columns_that_are_not_there(capsys, model_file):
    iris().drop(columns=["site", "petal width (cm)"]).to_csv("new.csv", index=False)
    said = fails(capsys, "predict", model_file, "new.csv")
    assert said.startswith("the table lacks 'petal width (cm)', 'site', which the model was trained on; it has 'sepal")


def test_predict_refuses_text_among_numbers(capsys, model_file):
    frame = iris().astype(object)
    frame.iloc[2, 0] = "abc"
    frame.to_csv("new.csv", index=False)
    said = fails(capsys, "predict", model_file, "new.csv")
    assert said == "column 'sepal length (cm)' holds 'abc' in data row 3, but a number is wanted there (1 such row)"


def test_numbers_have_no_probabilities(capsys):
    assert train("--output", "length.model", target="sepal length (cm)") == 0
    capsys.readouterr()
    said = fails(capsys, "predict", "length.model", "iris.csv", "--probabilities")
    assert said == "'sepal length (cm)' is predicted as a number, which has no probabilities"


def test_a_diverging_training_advises_a_smaller_learning_rate(capsys):
    said = fails(
        capsys, "train", "iris.csv", "--target", "sepal length (cm)", "--hidden", "none", "--learning-rate", "1e9"
    )
    assert said.startswith("the loss is not finite at step ")
    assert said.endswith("; try --learning-rate 0.01")


def test_a_missing_pandas_says_how_to_get_it(capsys, monkeypatch, model_file):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for command in (["train", "iris.csv", "--target", "species"], ["predict", model_file, "iris.csv"]):
        assert fails(capsys, *command) == "tables need pandas: pip install 'fastprop-nn[csv]'"
    assert main(["info"]) == 0, "the other commands need no pandas"


def test_a_table_too_large_for_memory_is_one_sentence(capsys, monkeypatch):
    def fit(*args, **kwargs):
        raise MemoryError("the table as 9 x 9 numbers would take 324 bytes, but this machine has 100 bytes of memory")

    monkeypatch.setattr(TableModel, "fit", fit)
    assert fails(capsys, "train", "iris.csv", "--target", "species").startswith("the table as 9 x 9 numbers would take")


def test_a_failing_disk_is_one_sentence(capsys, monkeypatch):
    def save(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(TableModel, "save", save)
    assert fails(capsys, "train", "iris.csv", "--target", "species", "--epochs", "1") == (
        "iris.safetensors: No space left on device"
    )


def test_ctrl_c_is_one_sentence_and_130(capsys, monkeypatch):
    def fit(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(TableModel, "fit", fit)
    assert train() == 130
    assert capsys.readouterr().err == "fastprop: interrupted; nothing was saved\n"
    assert not os.path.exists("iris.safetensors")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian", "iris.csv"], "invalid choice: 'trian'"),
        (["train", "iris.csv"], "the following arguments are required: --target"),
        (
            ["train", "iris.csv", "--target", "y", "--hidden", "64,x"],
            "'64,x' is no list of whole numbers, such as 64,64",
        ),
        (["train", "iris.csv", "--target", "y", "--separator", "::"], "'::' is not one character, nor 'tab'"),
        (["train", "iris.csv", "--target", "y", "--task", "guess"], "invalid choice: 'guess'"),
    ],
    ids=["command", "target", "hidden", "separator", "task"],
)
def test_a_wrong_command_line_exits_with_2(capsys, argv, message):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


# The command itself


def test_version_info_and_help(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"fastprop {fp.__version__}\n"
    assert main(["info"]) == 0
    assert f"target    {fp.target()} (available: " in capsys.readouterr().out
    assert main([]) == 0
    assert "train on a CSV file of yours" in capsys.readouterr().out


def command(*argv, **settings):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-m", "fastprop", *argv], env=environment, text=True, **settings)


def test_python_dash_m_runs_it_without_pandas_or_matplotlib_for_info():
    process = command("info", stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(f"fastprop  {fp.__version__}\n")


@pytest.mark.skipif(os.name != "posix", reason="pipes of another kind")
def test_a_reader_that_leaves_is_no_error_to_report(model_file):
    pd.concat([iris()] * 300).to_csv("long.csv", index=False)
    process = command("predict", model_file, "long.csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == "species\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_blanks_around_texts_do_not_make_kinds_of_their_own(folder):
    (folder / "blanks.csv").write_text("a,b,c\n1, yes ,True\n2,yes,\n3,no ,False\n")
    frame = read_csv(folder / "blanks.csv")
    assert frame["b"].tolist() == ["yes", "yes", "no"]
    assert frame["c"].isna().tolist() == [False, True, False]


def test_two_columns_of_one_name_are_refused(folder):
    """pandas would call the second "a.1" and a target "a" would mean the first."""
    (folder / "twice.csv").write_text("a,a,y\n1,2,3\n")
    with pytest.raises(ValueError, match=r"twice.csv has two columns called 'a'"):
        read_csv(folder / "twice.csv")


def test_amounts_with_signs_get_a_hint(folder, capsys):
    rows = "".join(f"{i},${i}.50,{i % 2}\n" for i in range(40))
    (folder / "prices.csv").write_text("a,price,y\n" + rows)
    assert main(["train", str(folder / "prices.csv"), "--target", "y", "--epochs", "1"]) == 0
    assert "they would be numbers without the signs, as in '$0.50'" in capsys.readouterr().err
