"""What training reported, as a mapping and as a picture."""

import pickle
import sys
import types
from unittest.mock import MagicMock

import numpy as np
import pytest

import fastprop as fp


def history() -> fp.History:
    result = fp.History()
    result.append({"loss": 0.5, "accuracy": 0.25, "val_loss": 0.75})
    result.append({"loss": 0.25, "accuracy": 0.5, "val_loss": 0.625})
    return result


def test_a_history_is_a_mapping_of_names_to_lists():
    """What one does with Keras' history.history works on it."""
    h = history()
    assert h["loss"] == [0.5, 0.25]
    assert list(h) == ["loss", "accuracy", "val_loss"]
    assert len(h) == 3
    assert "accuracy" in h
    assert "mae" not in h
    assert dict(h) == {"loss": [0.5, 0.25], "accuracy": [0.25, 0.5], "val_loss": [0.75, 0.625]} == h
    assert h.get("mae") is None
    assert h.n_epochs == 2


def test_an_empty_history_is_of_no_epochs():
    """Before the first epoch."""
    assert fp.History().n_epochs == 0
    assert dict(fp.History()) == {}
    assert repr(fp.History()) == "<History of 0 epochs>"


def test_a_name_that_comes_or_goes_has_nan_where_it_was_absent():
    """All series stay of one length, so that they can be drawn over the same epochs."""
    h = fp.History({"loss": [3.0, 2.0]})
    h.append({"loss": 1.0, "val_loss": 5.0})
    h.append({"loss": 0.5})
    assert h["loss"] == [3.0, 2.0, 1.0, 0.5]
    np.testing.assert_array_equal(h["val_loss"], [np.nan, np.nan, 5.0, np.nan])
    assert h.n_epochs == 4


def test_the_last_epoch_can_be_taken_away_down_to_none():
    """As after a diverged epoch, be it the very first: the history is then as if it had never been."""
    h = history()
    h.pop()
    assert repr(h) == "<History of 1 epoch: loss=0.5, accuracy=0.25, val_loss=0.75>"
    h.pop()
    assert dict(h) == {}
    assert repr(h) == repr(fp.History())
    h.append({"loss": 1.0})
    assert dict(h) == {"loss": [1.0]}


def test_series_without_epochs_print_as_no_epochs():
    """A mapping that someone else made may have them."""
    assert repr(fp.History({"loss": []})) == "<History of 0 epochs>"


def test_an_unknown_name_tells_those_recorded():
    """The usual slip is a metric that was not asked for."""
    with pytest.raises(KeyError, match=r"'mae' was not recorded; recorded: loss, accuracy, val_loss"):
        history()["mae"]
    with pytest.raises(KeyError, match="nothing yet"):
        fp.History()["loss"]


def test_a_history_prints_its_last_epoch():
    """The numbers one asks for first."""
    assert repr(history()) == "<History of 2 epochs: loss=0.25, accuracy=0.5, val_loss=0.625>"


def test_a_history_does_not_share_lists_with_what_it_was_made_of():
    """The caller may go on with theirs."""
    series = {"loss": [1.0]}
    h = fp.History(series)
    series["loss"].append(2.0)
    h.append({"loss": 3.0})
    assert h["loss"] == [1.0, 3.0]
    assert series["loss"] == [1.0, 2.0]


def test_a_history_survives_pickling():
    """To be kept beside the model."""
    assert dict(pickle.loads(pickle.dumps(history()))) == dict(history())


def test_numbers_in_a_history_are_floats_of_python():
    """They go to JSON as they are."""
    trainer = fp.Trainer(fp.mlp(2, 2, output="softmax"), "cross_entropy", metrics=["accuracy", "mae"])
    h = trainer.fit(np.eye(2), [0, 1], epochs=2, batch_size=2, validation_data=(np.eye(2), [0, 1]), progress=False)
    assert {type(number) for numbers in h.values() for number in numbers} == {float}
    assert {type(number) for number in trainer.evaluate(np.eye(2), [0, 1]).values()} == {float}


# The picture


@pytest.fixture
def pyplot(monkeypatch):
    """Stands for matplotlib, which is an extra: notes what is drawn."""
    plt = MagicMock()
    package = types.ModuleType("matplotlib")
    package.pyplot = plt
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plt)
    return plt


def test_a_plot_has_a_panel_for_the_loss_and_each_metric_with_validation_in_it(pyplot):
    """Training and validation of one score belong into one picture, over epochs counted from 1."""
    loss, accuracy = MagicMock(), MagicMock()
    figure = history().plot([loss, accuracy])
    assert [list(call.args[0]) for call in loss.plot.call_args_list] == [[1, 2], [1, 2]]
    assert [call.args[1] for call in loss.plot.call_args_list] == [[0.5, 0.25], [0.75, 0.625]]
    assert [call.args[1] for call in accuracy.plot.call_args_list] == [[0.25, 0.5]]
    assert loss.set.call_args.kwargs == {"xlabel": "epoch", "ylabel": "loss"}
    assert accuracy.set.call_args.kwargs == {"xlabel": "epoch", "ylabel": "accuracy"}
    assert figure is loss.figure


def test_too_few_axes_for_a_plot_are_refused(pyplot):
    """How many are wanted, and for what."""
    with pytest.raises(ValueError, match=r"2 panels to draw \(loss, accuracy\), but 1 axes"):
        history().plot([MagicMock()])


def test_a_plot_without_matplotlib_says_how_to_get_it(monkeypatch):
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'fastprop-nn\[plot\]'"):
        history().plot()


def test_a_plot_is_a_figure_of_matplotlib():
    """The real thing, where it is installed."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    figure = history().plot()
    assert [axis.get_ylabel() for axis in figure.axes] == ["loss", "accuracy"]
    assert [len(axis.lines) for axis in figure.axes] == [2, 1]
    one = fp.History({"loss": [1.0, 0.5]}).plot()
    assert len(one.axes) == 1
    own = matplotlib.pyplot.figure().add_subplot()
    assert fp.History({"loss": [1.0, 0.5]}).plot(own) is own.figure
    matplotlib.pyplot.close("all")
