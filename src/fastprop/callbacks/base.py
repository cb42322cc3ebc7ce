"""What a callback is: an object whose hooks `fit` calls as training goes on.

The hooks are Keras's. Who defines none of the batch hooks pays nothing for them: training enters the engine for many
batches at a time then, and for one at a time where somebody wants to hear of each.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fastprop import _checks
from fastprop._snapshots import DivergedError

if TYPE_CHECKING:
    from fastprop.model import Sequential
    from fastprop.trainer import Trainer

__all__ = ["HOOKS", "Callback", "CallbackList", "LambdaCallback"]

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_slice_end",
)
BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end")


class Callback:
    """What `fit` tells how training goes on; derive from it and define the hooks that are wanted.

    A hook may stop training, ``self.trainer.stop_training = True``, which is obeyed before the next batch; save or
    evaluate; and replace ``self.trainer.optimizer``, say by one of a smaller rate. What it raises comes out of `fit`
    unchanged: then the network is as after the last batch, and epoch, history and weights belong together. Only
    `on_train_end` is not called then.

    Epochs count from 0 over the trainer's life, batches from 0 in each epoch. ``logs`` is a dict of scores by name;
    what a hook adds to it in `on_epoch_end` is seen by the callbacks after it, and stands in the history.

    Attributes
    ----------
    trainer, model
        Those at work, from before `on_train_begin` on.
    params : dict
        "epochs" of this call, and "steps" of an epoch, None where that is not known.

    Examples
    --------
    >>> import fastprop as fp
    >>> class Patience(fp.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.5:
    ...             self.trainer.stop_training = True
    >>> X, y = fp.datasets.load_digits()
    >>> trainer = fp.Trainer(fp.mlp(64, 32, 10, output="softmax", seed=0), "cross_entropy", fp.SGD(0.1))
    >>> trainer.fit(X / 16, y, epochs=100, callbacks=[Patience()]).n_epochs < 10
    True
    """

    trainer: "Trainer"
    model: "Sequential"
    params: dict[str, Any]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """After the last epoch, whose scores are in logs; not after an error."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Before each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After each epoch and its validation; ``trainer.epoch`` and the history count it already."""

    def epochs_ahead(self) -> int:
        """Into how many epochs training may go before `on_epoch_end` hears of the first of them; asked before each
        epoch, and only of those who define that hook. With more than 1, and short epochs, the hook may be called for
        several epochs in a row, whose scores are what they would have been; the network is as after the last of them
        then. Not among Keras's.
        """
        return 1

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before each batch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After each batch, with the epoch's scores so far."""

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before the validation data are scored."""

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """After that, with their scores, without "val_" before the names."""

    def on_slice_end(self) -> None:
        """Between two batches, about every 0.05 s: for what need not hear of each batch. Not among Keras's hooks."""

    def on_diverged(self, error: DivergedError) -> bool:
        """When the loss is not finite any more and the network is back where it was before: whether `fit` is to end
        as if stopped, and not to raise the error. Not among Keras's hooks.
        """
        return False


class CallbackList:
    """The callbacks of one call of `fit`; called with a hook's name, it calls those who define the hook."""

    def __init__(self, callbacks: object) -> None:
        if isinstance(callbacks, (Callback, type)) or not isinstance(callbacks, Iterable):
            raise TypeError(
                f"callbacks is a list, as in callbacks=[EarlyStopping()], not {_checks.describe(callbacks)}"
            )
        self._callbacks: list[Callback] = []
        for i, callback in enumerate(callbacks):
            if isinstance(callback, type) and issubclass(callback, Callback):
                name = callback.__name__
                raise TypeError(f"callbacks[{i}] is the class {name}; make one of it: {name}(...)")
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks[{i}] is a Callback, not {_checks.describe(callback)}")
            self._callbacks.append(callback)
        self._hooks: dict[str, list[Callable[..., None]]] = {}  # of hooks that somebody defines
        for callback in self._callbacks:
            for hook in HOOKS:
                if _defines(callback, hook):
                    self._hooks.setdefault(hook, []).append(getattr(callback, hook))

    def introduce(self, trainer: "Trainer", params: Mapping[str, Any]) -> None:
        """Tell each whom it works for."""
        for callback in self._callbacks:
            callback.trainer, callback.model, callback.params = trainer, trainer.model, dict(params)

    @property
    def wants_batches(self) -> bool:
        """Whether anybody wants to hear of each batch."""
        return any(self.hear(hook) for hook in BATCH_HOOKS)

    def epochs_ahead(self, most: int) -> int:
        """Into how many epochs training may go before the first of them is told of, at most `most`."""
        if self.hear("on_epoch_begin"):
            return 1
        told = [callback for callback in self._callbacks if _defines(callback, "on_epoch_end")]
        return min([most, *(callback.epochs_ahead() for callback in told)])

    def hear(self, hook: str) -> bool:
        """Whether anybody defines the hook."""
        return hook in self._hooks

    def __call__(self, hook: str, *arguments: Any) -> None:
        for call in self._hooks.get(hook, ()):
            call(*arguments)

    def forgive(self, error: DivergedError) -> bool:
        """Whether anybody wants `fit` to end without the error; all are asked."""
        answers = [callback.on_diverged(error) for callback in self._callbacks]
        return any(answers)


def _defines(callback: Callback, hook: str) -> bool:
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook)


class LambdaCallback(Callback):
    """A callback made of functions, each given by its hook's name, as ``on_epoch_end=f``.

    Parameters
    ----------
    **hooks : callable
        ``on_epoch_end=f`` and so on, with the arguments of `Callback`'s hooks.

    Raises
    ------
    TypeError, ValueError
        For an unknown hook, or what cannot be called.

    Examples
    --------
    >>> import fastprop as fp
    >>> losses = []
    >>> listen = fp.LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    >>> trainer = fp.Trainer(fp.mlp(1, 1), "mse")
    >>> losses == trainer.fit([[1.0], [2.0]], [1.0, 2.0], batch_size=2, epochs=3, callbacks=[listen])["loss"]
    True
    """

    def __init__(self, **hooks: Callable[..., None]) -> None:
        for name, function in hooks.items():
            if name not in HOOKS:
                raise _checks.unknown("hook", name, HOOKS)
            if not callable(function):
                raise TypeError(f"{name} is a function, not {_checks.describe(function)}")
            setattr(self, name, function)
