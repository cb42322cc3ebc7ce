"""The command `fastprop`, as well `python -m fastprop`: demo, train, predict, info.

What users type is turned into calls of `TableModel`, and what goes wrong into one sentence on standard error: exit
code 1, or 2 where the command line itself is wrong, as argparse has it; 130 after Ctrl-C, 141 where the reader of a
pipe has gone, as shells do. Training is in tabular.py, the demonstration in demo.py.
"""

import argparse
import contextlib
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from fastprop import demo
from fastprop._version import __version__
from fastprop.columns import import_pandas
from fastprop.csv_files import check_there, read_csv
from fastprop.machine import show_config
from fastprop.tabular import HIDDEN, LEARNING_RATE, TableModel
from fastprop.trainer import DivergedError

__all__ = ["main"]

INTERRUPTED, BROKEN_PIPE = 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code.

    Examples
    --------
    >>> main(["predict", "nowhere.safetensors", "nothing.csv"])     # on standard error: what is wrong
    1
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    try:
        with _notes():
            args.command(args)
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):  # what is still to be flushed at exit goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _complain("interrupted; nothing was saved", INTERRUPTED)
    except DivergedError as error:
        return _complain(f"{error}; try --learning-rate {min(LEARNING_RATE, error.learning_rate / 10):g}")
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ImportError, MemoryError, ValueError) as error:
        return _complain(str(error))
    return 0


def _complain(sentence: str, code: int = 1) -> int:
    print(f"fastprop: {sentence}", file=sys.stderr)
    return code


@contextlib.contextmanager
def _notes() -> Iterator[None]:
    """Print each warning once, as a note on standard error."""
    said: set[str] = set()

    def say(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            print(f"note: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = say
        yield


# The command line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastprop",
        description="Dense neural networks on the CPU.",
        epilog="Try `fastprop demo`; `fastprop COMMAND --help` tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=f"fastprop {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    command = commands.add_parser("demo", help="train on handwritten digits in well under a second, and look at them")
    command.add_argument("--seed", type=int, default=0, help="of the initial weights and the shuffles (default: 0)")
    command.set_defaults(command=lambda args: demo.run(args.seed))
    _add_train(commands.add_parser("train", help="train on a CSV file of yours", description=_train.__doc__))
    _add_predict(commands.add_parser("predict", help="use what `train` saved", description=_predict.__doc__))
    command = commands.add_parser("info", help="the version, the machine and the instruction set in use")
    command.set_defaults(command=lambda args: show_config())
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", type=Path, help="the CSV file; its first line names the columns")
    add("--target", required=True, metavar="COLUMN", help="the column to predict")
    add("--output", type=Path, metavar="MODEL", help="where to save (default: beside the data, as NAME.safetensors)")
    add("--task", choices=("classification", "regression"), help="what the target is (default: by what it holds)")
    add("--ignore", action="append", default=[], metavar="COLUMN", help="leave this column out; may be repeated")
    add(
        "--hidden",
        type=_hidden,
        default=HIDDEN,
        metavar="UNITS",
        help=f"units of the hidden layers, or none (default: {','.join(map(str, HIDDEN))})",
    )
    add("--epochs", type=int, help="passes through the rows (default: by validation among them)")
    add("--batch-size", type=int, help="rows per step (default: 32, in large tables 128)")
    add("--learning-rate", type=float, default=LEARNING_RATE, help="length of the steps (default: %(default)s)")
    add("--test-size", type=float, default=0.2, help="share of the rows held out for the score (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the choice of these rows, and the training (default: 0)")
    _add_separator(parser)
    add("--no-progress", action="store_true", help="no progress bar")
    parser.set_defaults(command=_train)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="the file that `fastprop train` saved")
    parser.add_argument("data", type=Path, help="a CSV file with the same columns; the target may be absent")
    parser.add_argument("--output", type=Path, metavar="CSV", help="where to write (default: standard output)")
    parser.add_argument("--probabilities", action="store_true", help="add a column with the probability of each class")
    _add_separator(parser)
    parser.set_defaults(command=_predict)


def _add_separator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--separator",
        type=_separator,
        metavar="CHARACTER",
        help="between columns, such as ';' or tab (default: found by looking at the file)",
    )


def _hidden(text: str) -> tuple[int, ...]:
    if text.strip().casefold() in ("", "none", "0"):
        return ()
    try:
        return tuple(int(units) for units in re.split(r"[\s,x-]+", text.strip()))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers, such as 64,64") from None


def _separator(text: str) -> str:
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(text.casefold(), text)
    if len(named) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character, nor 'tab'")
    return named


# The commands


def _train(args: argparse.Namespace) -> None:
    """Train a network on a CSV file of numbers and text, say how well it does on rows held out, and save it."""
    frame = read_csv(args.data, separator=args.separator)
    output = args.output or args.data.with_suffix(".safetensors")
    _check_output(output, args.data)
    print(f"{args.data}: {len(frame):,} rows, {len(frame.columns):,} columns", flush=True)
    model = TableModel.fit(
        frame,
        args.target,
        task=args.task,
        hidden=args.hidden,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        test_size=args.test_size,
        seed=args.seed,
        ignore=args.ignore,
        progress=not args.no_progress,
    )
    model.save(output)
    print(_report(model, chosen=args.epochs is None))
    print(f"Saved      {output}; use it with: fastprop predict {output} NEW.csv")


def _report(model: TableModel, *, chosen: bool) -> str:
    if model.classes is None:
        target = "a number (--task classification: classes)"
    else:
        names = ", ".join(str(label) for label in model.classes[:6]) + (", ..." if len(model.classes) > 6 else "")
        target = f"{len(model.classes)} classes: {names}"
        if not isinstance(model.classes[0], str | bool):
            target += " (--task regression: a number)"
    layers = "-".join(str(n) for n in (model.network.n_inputs, *(layer.units for layer in model.network.layers)))
    score = model.held_out
    epochs = f"{model.epochs} epochs" + (" (chosen by validation)" if chosen else "")
    rows = [
        f"Target     {model.target}, {target}",
        f"Network    {layers} from {len(model.columns)} columns, {epochs}",
    ]
    if not score:
        rows.append("Held out   no rows, so there is no score")
    elif model.classes is None:
        rows.append(f"Held out   {score['rows']:,} rows: R2 {score['r2']:.3f}, mean absolute error {score['mae']:.4g}")
        rows.append(f"           (always answering the mean: R2 0, mean absolute error {score['baseline']:.4g})")
    else:
        rows.append(f"Held out   {score['rows']:,} rows: accuracy {score['accuracy']:.1%}")
        rows.append(f"           (always answering the commonest class: {score['baseline']:.1%})")
    return "\n".join(rows)


def _predict(args: argparse.Namespace) -> None:
    """Predict the target for each row of a CSV file, and write it as CSV."""
    if args.output is not None:
        _check_output(args.output, args.data, args.model)
    check_there(args.model)
    model = TableModel.load(args.model)
    text = [column.name for column in model.columns if column.kind == "categories"]
    frame = read_csv(args.data, separator=args.separator, text=text)
    answers = {model.target: model.predict(frame)}
    if args.probabilities:
        chances = model.predict_proba(frame)
        answers |= {f"probability of {label}": chances[:, i] for i, label in enumerate(model.classes or ())}
    table = import_pandas().DataFrame(answers)
    table.to_csv(args.output or sys.stdout, index=False, float_format="%.7g", lineterminator="\n")


def _check_output(output: Path, *inputs: Path) -> None:
    """Refuse before the work what could not be written after it, and to write over the input."""
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"{output} would be written over, but it is what is read; give another --output")
    folder = output.absolute().parent
    if output.is_dir():
        raise ValueError(f"{output} is a folder; --output is a file in it")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder} to write {output.name} in")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{folder} may not be written in; give another --output")
