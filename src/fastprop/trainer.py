"""Training: epochs over data, scores, and the state that goes on from one call to the next.

What a batch does is in the engine, how epochs go on in `_training.py`; a Trainer checks what comes in and holds the
state.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, losses, metrics, optimizers, serialization
from fastprop._memory import Memory
from fastprop._native.engine import Plan
from fastprop._rows import Rows
from fastprop._scores import Scores, Scoring
from fastprop._slices import Slicer, row_slices
from fastprop._snapshots import DivergedError, Snapshots
from fastprop._sources import Batches, Sampler, ScoredRows, opened, scored
from fastprop._training import Training
from fastprop.callbacks import Callback, CallbackList
from fastprop.history import History
from fastprop.losses import Loss
from fastprop.metrics import Metric
from fastprop.model import Sequential
from fastprop.optimizers import Optimizer
from fastprop.progress import Progress
from fastprop.schedules import Clock, values_of

__all__ = ["DivergedError", "Trainer"]

Array = NDArray[Any]

STATE = "optimizer."  # before the names of what the optimizer keeps, in files


class Trainer:
    """Trains a network: holds the model, the loss, the optimizer and its state, and counts epochs and steps.

    Parameters
    ----------
    model : Sequential
        The network; trained in place.
    loss : str or Loss
        "mse", "cross_entropy", "binary_cross_entropy" or another of `fastprop.losses`.
    optimizer : str or Optimizer, default "sgd"
        Another may be assigned to ``trainer.optimizer`` later, say with a smaller rate; the velocity stays.
    metrics : sequence of str, Metric or function
        "accuracy", "mae", others of `fastprop.metrics`, or any function of (y, o) that returns a number.
    seed : int, optional
        Where the shuffles come from; the model's own seed by default.

    Attributes
    ----------
    epoch, step : int
        Epochs and steps done so far.
    history : History
        Of all epochs so far.
    stop_training : bool
        Set it to True and `fit` stops before the next batch, as `stop` does; each call of `fit` begins with False.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, or a loss that cannot follow the model's last layer.

    Examples
    --------
    >>> import fastprop as fp
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])           # exclusive or
    >>> model = fp.mlp(2, 8, 1, activation="tanh", output="sigmoid", seed=0)
    >>> trainer = fp.Trainer(model, loss="binary_cross_entropy", optimizer=fp.SGD(0.5, momentum=0.9))
    >>> history = trainer.fit(X, y, epochs=200, batch_size=4, progress=False)
    >>> model.predict(X).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """

    def __init__(
        self,
        model: Sequential,
        loss: str | Loss,
        optimizer: str | Optimizer = "sgd",
        metrics: Sequence[str | Metric] = (),
        *,
        seed: int | None = None,
    ) -> None:
        if not isinstance(model, Sequential):
            raise TypeError(f"model is a Sequential, not {_checks.describe(model)}")
        self._model = model
        self._loss = losses.get(loss)
        self._loss.check_output(model.output_activation, model.n_outputs)
        self._metrics = _metrics(metrics)
        self._scoring = Scoring(self._loss, self._metrics, model.n_outputs)
        self._seed = model.seed if seed is None else _checks.integer("seed", seed, low=0, high=2**64 - 1)
        self._memory = Memory(model, optimizers.get(optimizer))
        self._snapshots = Snapshots()
        self._epoch = 0
        self.history = History()
        self._slicer: Slicer | None = None  # made by the first fit, which knows a batch's work
        self.stop_training = False
        self._end: tuple[int | None, int | None] = (None, None)  # steps and epochs done when the fit at work ends
        self._at_work: int | None = None  # the thread that trains

    def __repr__(self) -> str:
        names = f", metrics={[m.name for m in self.metrics]}" if self.metrics else ""
        return f"<Trainer of {self.model!r}, {self.loss!r}, {self.optimizer!r}{names}, {self.epoch} epochs done>"

    @property
    def model(self) -> Sequential:
        return self._model

    @property
    def loss(self) -> Loss:
        return self._loss

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self._metrics

    @property
    def seed(self) -> int:
        return self._seed

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def step(self) -> int:
        return int(self._memory.steps[0])

    @property
    def optimizer(self) -> Optimizer:
        return self._memory.optimizer

    @optimizer.setter
    def optimizer(self, optimizer: str | Optimizer) -> None:
        chosen = optimizers.get(optimizer)
        if self._at_work == threading.get_ident():  # a callback
            self._adopt(chosen)
            return
        with self._exclusively():
            self._adopt(chosen)
            self._snapshots = Snapshots()

    def _adopt(self, chosen: Optimizer) -> None:
        shape = self._memory.vectors.shape
        goes_on = self._memory.follow(chosen, self.model.theta) and self._memory.vectors.shape == shape
        if self._at_work is not None and not goes_on:
            self._snapshots = Snapshots()
            self._snapshots.take(self._live(), self.epoch)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_snapshots"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._snapshots = Snapshots()

    # Training

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        shuffle: bool = True,
        sampler: Sampler | None = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | str | None = None,
        validation_data: Any = None,
        validation_split: float = 0.0,
        validation_freq: int = 1,
        validation_steps: int | None = None,
        steps_per_epoch: int | None = None,
        callbacks: Iterable[Callback] = (),
        progress: bool = True,
    ) -> History:
        """Train for some epochs, going on from where the last call stopped: twice 1 epoch equals once 2.

        Parameters
        ----------
        X : array (m, n_inputs), or iterable of batches
            float32, float64 or any integer type, with any strides, a memory map or a data frame; cast a batch at a
            time. Or a sparse matrix of SciPy's, which is never made dense; the result is the same as for the dense one.
            Or, without y, a stream: an iterable of (X, y) or (X, y, sample_weight), of which each is one step of as
            many rows as it has, in the order they come.
        y : array, optional
            For "mse" numbers (m, n_outputs), or (m,) for one output; for "cross_entropy" labels (m,), integers from 0,
            or rows of probabilities such as one-hot; for "binary_cross_entropy" numbers in 0..1.
        epochs : int, default 1
        batch_size : int, default 32
            The last batch of an epoch holds the rows that are left. For arrays.
        shuffle : bool, default True
            Visit the rows in a new order each epoch, given by (seed, epoch); else in the order they stand in.
        sampler : function of int to array (m,), optional
            Instead, the order of the rows: for the epoch's number, from 0 on over the trainer's life, the numbers of m
            rows, of which some may come more than once, and others not at all. For arrays. One whose attribute
            ``knows_ahead`` is True may be called for several epochs before the first of them is trained.
        sample_weight : array (m,), optional
            Each row's weight in the loss and the metrics; a batch's loss is divided by the sum of its weights.
        class_weight : dict of label to weight, or "balanced", optional
            Multiplies the rows' weights by their class's, 1 for a class not named; "balanced" makes all classes count
            alike, ``m / (n_classes * rows of the class)``. For class labels, and for one yes-or-no output.
        validation_data : (X, y), (X, y, sample_weight) or iterable of such batches, optional
            Scored after each epoch, under names that begin with "val_".
        validation_split : float, default 0.0
            Instead, this share of the rows, the last of them as they stand, as in Keras. For arrays.
        validation_freq : int, default 1
            Validate after every so many epochs.
        steps_per_epoch, validation_steps : int, optional
            How many batches of a stream make an epoch, or a validation, where that is not all of them; needed for an
            iterator that is to serve several epochs, as an endless generator. A stream that can begin anew does so at
            its end, an iterator's end ends training with a warning.
        callbacks : iterable of Callback
            Told how training goes on; see `fastprop.callbacks`.
        progress : bool, default True
            Show a progress bar with the scores and rows per second, where standard error is a terminal.

        Returns
        -------
        History
            Of this call's epochs. A training score is the mean over the epoch's batches, each before its step.

        Raises
        ------
        TypeError, ValueError
            For data or settings that do not fit, before anything is changed.
        DivergedError
            If the loss became nan or infinite; the network is back where the epoch, or the one before, began.
        KeyboardInterrupt
            On Ctrl-C, which is heard within about 0.1 s, or when the batch is done; the network is as after the last
            whole batch, and the history holds the epochs completed.
        Exception
            What a callback raises, unchanged.
        """
        epochs = _checks.integer("epochs", epochs, low=0)
        source, validation = opened(
            self._rows, X, y, seed=self.seed, epochs=epochs, batch_size=batch_size, shuffle=shuffle,
            sampler=sampler, sample_weight=sample_weight, class_weight=class_weight, validation_data=validation_data,
            validation_split=validation_split, validation_steps=validation_steps, steps_per_epoch=steps_per_epoch,
        )  # fmt: skip
        every = _checks.integer("validation_freq", validation_freq)
        told = CallbackList(callbacks)
        with self._exclusively(), Progress(epochs, source.n_rows, show=_checks.flag("progress", progress)) as bar:
            return Training(self, source, validation, every, epochs, told, bar).run()

    def stop(self) -> None:
        """Have `fit` stop before the next batch; from a callback, or from another thread."""
        self.stop_training = True

    def partial_fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> dict[str, float]:
        """One step on these rows as one batch; returns their loss and metrics from before the step.

        Raises
        ------
        TypeError, ValueError, DivergedError
            As `fit`; nothing is changed then.
        """
        data = self._rows(X, y, sample_weight)
        scores = self._scores()
        with self._exclusively():
            self._take_steps(Batches(data, None, len(data), 0, 1), scores)
        return scores.final()

    def _live(self) -> tuple[Array, ...]:
        """All that a step changes."""
        return self.model.theta, self.model.buffers, self._memory.vectors, self._memory.steps

    def _weights(self) -> tuple[Array, ...]:
        """All that predictions depend on."""
        return self.model.theta, self.model.buffers

    def _take_steps(self, batches: Batches, scores: Scores) -> None:
        """A step on each batch; scores gathers loss and metrics."""
        data, order, batch_size, first, last = batches
        wanted = self.step + last - first
        rule = self._memory.rule(self._clock(), last - first)
        outputs = scores.room(data, order, min(last * batch_size, len(data)))
        with self.model._learning_plan(data.X, batch_size, *self._scoring.plan, training=True) as plan:
            plan.train(
                self.model.theta, self.model._numbers, data.X, data.y, data.w, order, first, last, rule, self.seed,
                scores.sums, data.mean_w, outputs, self._node_settings(plan, batches),
                scores.objective(self._memory.places),
            )  # fmt: skip
        if self.step < wanted:
            raise self._diverged()

    def _node_settings(self, plan: Plan, batches: Batches) -> Array | None:
        """What the layers' schedules give for each of the batches."""
        if not plan.schedules:
            return None
        rows = []
        for i, (first, last) in enumerate(batches.by_epochs()):
            clock = Clock(self.step + first - batches.first, self.epoch + i, *self._end)
            rows.append(np.concatenate([schedule(clock, last - first) for schedule in plan.schedules], axis=1))
        return np.concatenate(rows)

    def _diverged(self) -> DivergedError:
        rate = values_of("learning_rate", self.optimizer.learning_rate, self._clock(), 1)[0]
        return DivergedError(self.epoch, self.step, float(rate))

    def _clock(self) -> Clock:
        return Clock(self.step, self.epoch, *self._end)

    def ema_model(self) -> Sequential:
        """A network of its own with the moving average of theta, which an optimizer with ``ema_decay`` keeps.

        Raises
        ------
        RuntimeError
            If the optimizer keeps none.

        Examples
        --------
        >>> import fastprop as fp
        >>> trainer = fp.Trainer(fp.mlp(2, 1), "mse", fp.SGD(0.1, ema_decay=0.5))
        >>> before = trainer.model.theta.copy()
        >>> for _ in range(2):
        ...     scores = trainer.partial_fit([[1.0, 2.0]], [3.0])
        >>> np.allclose(trainer.ema_model().theta, trainer.model.theta), np.allclose(before, trainer.model.theta)
        (False, False)
        """
        average = self._memory.named().get("average")
        if average is None:
            raise RuntimeError(f"{self.optimizer!r} keeps no moving average; give it an ema_decay")
        model = self.model.copy()
        model.theta = average
        return model

    # Scores

    def evaluate(
        self, X: Any, y: Any = None, *, sample_weight: Any = None, steps: int | None = None
    ) -> dict[str, float]:
        """The loss and the metrics on these rows: {"loss": ..., "accuracy": ...}. Changes nothing.

        Without y, X is an iterable of batches (X, y) or (X, y, sample_weight), all of them or the first `steps`; their
        rows are scored as if they were in one array.

        Raises
        ------
        TypeError, ValueError
            For data that do not fit the network.
        """
        return self._evaluate(scored(self._rows, X, y, sample_weight, steps))

    def _evaluate(self, parts: ScoredRows) -> dict[str, float]:
        scores = self._scores()
        for data in parts:
            outputs = scores.room(data, None, len(data))
            with self.model._forward_plan(data.X, *self._scoring.plan) as plan:
                for rows in row_slices(len(data), self.model._work):
                    part, o = data.part(rows), None if outputs is None else outputs[rows]
                    plan.evaluate(
                        self.model.theta, self.model._numbers, part.X, part.y, part.w, scores.sums, part.mean_w, o,
                    )  # fmt: skip
        return scores.final()

    def _scores(self, n_epochs: int = 1) -> Scores:
        """Of no rows yet."""
        return Scores(self._scoring, self.model.dtype, n_epochs)

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        if not self.model.training_lock().acquire(blocking=False):
            raise RuntimeError(
                "the model is being trained in another thread, or by the fit whose callback asks for it; wait for it,"
                " or use a trainer and a model of your own"
            )
        try:
            self._at_work = threading.get_ident()
            yield
        finally:
            self._at_work, self._end = None, (None, None)
            self.model.training_lock().release()

    def _rows(self, *arrays: Any, **options: Any) -> Rows:
        """The rows, checked against the network, the loss and the metrics."""
        data = Rows.check(self.model, self.loss, *arrays, **options)
        if self.model.n_outputs == 1 and self.loss.targets == "values":
            for metric in self.metrics:
                metric.check_values(data.y)
        return data

    # Files

    def save(self, path: Any) -> None:
        """Write the whole state to one safetensors file, whole or not at all: `Trainer.resume` goes on from it.

        Raises
        ------
        OSError
            If the file cannot be written; an older one of that name is unchanged then.
        """
        tensors = self.model.state_dict()
        tensors |= {f"{STATE}{name}": vector for name, vector in self._memory.named().items()}
        settings = {
            "loss": serialization.encode(self.loss),
            "optimizer": serialization.encode(self.optimizer),
            "metrics": serialization.encode(self.metrics),
            "seed": self.seed,
            "epoch": self.epoch,
            "steps": self._memory.steps.tolist(),
            "history": {name: [repr(number) for number in numbers] for name, numbers in self.history.items()},
        }
        serialization.write(path, "trainer", tensors, {**self.model.to_metadata(), "trainer": settings})

    @classmethod
    def resume(cls, path: Any) -> "Trainer":
        """The trainer that `save` wrote: going on with it gives the same bits as never having stopped.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is no such file, is damaged, or comes from a version too new.
        """
        tensors, metadata = serialization.read(path, "trainer")
        with serialization.described_by(path):
            state = {name[len(STATE) :]: tensors.pop(name) for name in list(tensors) if name.startswith(STATE)}
            model = Sequential.from_file(tensors, metadata)
            settings = metadata["trainer"]
            loss, optimizer, scores = (serialization.decode(settings[key]) for key in ("loss", "optimizer", "metrics"))
            trainer = cls(model, loss, optimizer, scores, seed=settings["seed"])
            trainer._epoch = _checks.integer("epoch", settings["epoch"], low=0, high=2**32 - 1)
            history = {name: [float(number) for number in series] for name, series in settings["history"].items()}
            trainer.history = History(history)
            trainer._memory.restore(state, settings["steps"], model.theta)
            return trainer


def _metrics(wanted: Sequence[str | Metric]) -> tuple[Metric, ...]:
    if isinstance(wanted, (str, Metric)) or not hasattr(wanted, "__iter__"):
        raise TypeError(f"metrics is a list, as in metrics=['accuracy'], not {_checks.describe(wanted)}")
    found = tuple(metrics.get(metric) for metric in wanted)
    names = [metric.name for metric in found]
    if len({"loss", *names}) <= len(names):
        raise ValueError(
            f"metrics names one twice, or one is called 'loss': {names}; CustomMetric(f, name=...) names one"
        )
    return found
