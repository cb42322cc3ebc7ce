"""Tables, printed row by row as figures come."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from networks import ALONE, OURS
from peers import PEERS

BUSY = 0.9  # of a core: a process with one thread that got less was disturbed


class Table:
    """Markdown whose columns are as wide as they are said to be; the first ones are words, the others numbers."""

    def __init__(self, title: str, columns: Mapping[str, int], n_words: int = 1) -> None:
        self.widths, self.n_words = list(columns.values()), n_words
        print(f"\n{title}\n")
        self.row(*columns)
        self.row(*("-" * (width - 1) + ("-" if i < n_words else ":") for i, width in enumerate(self.widths)))

    def row(self, *cells: str) -> None:
        aligned = (
            cell.ljust(width) if i < self.n_words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, self.widths, strict=True))
        )
        print("|", " | ".join(aligned), "|", flush=True)


def label(name: str) -> str:
    return PEERS[name].label if name in PEERS else name


def describe(machine: Mapping[str, Any]) -> None:
    print(f"{machine['cpu']}, {machine['cores']} cores ({' '.join(machine['flags'])})")
    print(f"{machine['system']}, Python {machine['python']}, {machine['compiler']}")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    blas = ", ".join("{internal_api} {version} ({architecture})".format_map(pool) for pool in machine["numpy_blas"])
    print(f"fastprop runs its {machine['fastprop_target']} kernels, NumPy {blas}")
    if machine["ignored"]:
        print(f"not passed on, since they slow NumPy down: {', '.join(machine['ignored'])}")


def networks(title: str, peers: Sequence[str], threads: int, *, steps: bool) -> Callable[[dict[str, Any]], None]:
    """A function that prints a network's row: microseconds, and how many times as fast fastprop is."""
    others = [name for name in peers if name != OURS] + [ALONE] * (threads > 1)
    columns = {"network": 20, "units": 23, "batch" if steps else "rows": 5, f"{OURS} µs": 11}
    headings = [f"{label(name)} µs (times)" for name in others]
    columns |= {heading: max(23, len(heading)) for heading in headings}
    columns |= {"GFLOP/s": 7, "of peak": 7} if steps else {}
    table = Table(f"{title}, {threads} thread{'s' * (threads > 1)}", columns, n_words=2)

    def show(row: dict[str, Any]) -> None:
        micro, times = row["microseconds"], row["times_as_fast"]
        cells = [row["name"], row["units"], str(row["batch"]), f"{micro[OURS]:,.1f}"]
        cells += [f"{micro[name]:,.1f} ({times[name]:.2f})" for name in others]
        if steps:
            cells += [f"{row['gflops']:.1f}", f"{row['share_of_peak']:.0%}"]
        table.row(*cells)

    return show


def products() -> Callable[[dict[str, Any]], None]:
    columns = {"product": 9, "type": 8, "batch": 5, "in": 5, "out": 5, "fastprop": 9, "NumPy": 9, "peak": 9}
    table = Table("Products, GFLOP/s, 1 thread", columns | {"times NumPy": 11, "of peak": 7}, n_words=2)

    def show(row: dict[str, Any]) -> None:
        table.row(
            row["role"], row["dtype"], *(str(row[name]) for name in ("batch", "n_in", "n_out")),
            *(f"{row['gflops'][name]:.1f}" for name in ("fastprop", "numpy", "peak")),
            f"{row['times_as_fast']['numpy']:.2f}", f"{row['share_of_peak']:.0%}",
        )  # fmt: skip

    return show


def fits(dtype: str, threads: int, n_seeds: int) -> Callable[[dict[str, Any]], None]:
    """A function that prints a data set's row: both libraries' scores, whether they agree, and seconds."""
    columns = {"data": 13, "rows": 6, "features": 8, "hidden": 11, "scikit-learn": 16, "fastprop": 16, "agree": 5}
    columns |= {"scikit-learn s": 14, "fastprop s": 10, "times": 6}
    of = f"{threads} thread{'s' * (threads > 1)}, {n_seeds} seeds"
    table = Table(f"Fits in {dtype}: scores on test rows, and seconds; {of}", columns)

    def show(row: dict[str, Any]) -> None:
        scores = (f"{row['mean'][name]:.4f} ± {row['spread'][name]:.4f}" for name in ("sklearn", OURS))
        seconds = (f"{row['seconds'][name]:.3f}" for name in ("sklearn", OURS))
        table.row(
            row["name"], str(row["rows"]), str(row["features"]), row["network"], *scores,
            "yes" if row["agree"] else "no", *seconds, f"{row['times_as_fast']:.2f}",
        )  # fmt: skip

    return show


def imports(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table("Import, milliseconds", {"peer": 14, "import": 8, "more than NumPy": 15})
    for row in rows:
        table.row(label(row["peer"]), f"{row['milliseconds']:.0f}", f"{row['more_than_numpy']:+.0f}")


def cold_start(found: Mapping[str, Any]) -> None:
    table = Table("A process from its start to 97 % of held-out digits", {"peer": 14, "seconds": 8, "times": 6})
    for name, seconds in found["seconds"].items():
        table.row(label(name), f"{seconds:.3f}", f"{found['times_as_fast'].get(name, 1):.2f}")


def sizes(rows: Sequence[Mapping[str, Any]]) -> None:
    columns = {"peer": 14, "imported": 9, "training mnist": 14, "installed": 9, "distributions": 24}
    table = Table("Peak memory and size on disk, MB", columns)
    for row in rows:
        bytes_ = row["imported"], row["trained"], sum(row["installed"].values())
        megabytes = (f"{size / 1e6:.1f}" if size else "" for size in bytes_)
        table.row(label(row["peer"]), *megabytes, " + ".join(row["installed"]))


def warn_if_busy(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say so where other processes have taken the machine away while one thread was measured."""
    shares = [row["cores"].get(ALONE, row["cores"][OURS]) for row in rows]
    if shares and min(shares) < BUSY:
        print(f"\nThe machine was busy: fastprop's one thread had {min(shares):.2f} of a core at worst.")
