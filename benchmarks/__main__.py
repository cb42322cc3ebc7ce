"""Measure fastprop beside its peers, in one run: `make bench`, or

    python benchmarks --quick --only digits --peers numpy,jax --threads 1

README.md in this directory says how to read what comes out.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fits
import machine
import processes
import products
import report
from cases import PREDICTING, RECIPES, TRAINING, Case
from measuring import Effort
from networks import OURS, measure_predicting, measure_training
from peers import PEERS

EFFORTS = {"full": Effort(seconds=4, rounds=7, turn=0.03), "quick": Effort(seconds=0.3, rounds=3, turn=0.01)}
PRODUCT_SHARE = 0.15  # of a case's seconds, for each of the many products
PARTS = ("training", "predict", "products", "processes", "fits")
STANDARD_PARTS = PARTS[:-1]  # fits takes longer than all others


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(text: str) -> list[str]:
        return [name.strip() for name in text.split(",")]

    standard = [name for name, peer in PEERS.items() if not peer.asked]
    parser.add_argument("--quick", action="store_true", help="a few minutes, to see that all works; figures are rough")
    parser.add_argument("--only", help="networks or data whose name contains this; no products, no processes")
    parser.add_argument("--parts", type=names, default=list(STANDARD_PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--peers", type=names, default=standard, help=f"of {','.join(PEERS)}")
    parser.add_argument("--threads", type=names, default=["1", "all"], help="such as 1,all")
    parser.add_argument("--seeds", type=int, help="of fits; 10, or with --quick 3")
    parser.add_argument("--dtypes", type=names, default=list(fits.DTYPES), help=f"of fits, {','.join(fits.DTYPES)}")
    parser.add_argument("--seconds", type=float, help="for each network and number of threads")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: on a busy machine, with --threads 1"
    )
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--images", type=Path, help="draw the pictures there, unless rough or partial")
    options = parser.parse_args()
    for name, known in (("parts", PARTS), ("peers", PEERS), ("dtypes", fits.DTYPES)):
        if unknown := set(getattr(options, name)) - set(known):
            parser.error(f"unknown {name}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if options.seeds is not None and options.seeds < 2:
        parser.error("--seeds takes 2 at least, for their spread")
    options.peers = [name for name in PEERS if name in {OURS, *options.peers}]
    options.threads = sorted({machine.cores() if count == "all" else int(count) for count in options.threads})
    if options.clock == "cpu" and options.threads != [1]:
        parser.error("--clock cpu adds up the time of all threads; give --threads 1 with it")
    if options.only:
        options.parts = [part for part in options.parts if part in ("training", "predict", "fits")]
    return options


def measure_networks(
    title: str,
    cases: Sequence[Case],
    options: argparse.Namespace,
    effort: Effort,
    measure: Callable[..., Any],
    what: str,
) -> list[dict[str, Any]]:
    """Training or predict, with each number of threads, of the peers that do `what`."""
    steps = measure is measure_training
    peers = [name for name in options.peers if getattr(PEERS[name], what)]
    cases = [case for case in cases if (options.only or "") in case.name]
    found = []
    for threads in options.threads if cases else ():
        show = report.networks(title, peers, threads, steps=steps)
        found += measure(cases, peers, threads, effort, show)
    report.warn_if_busy(found)
    return found


def measure_fits(options: argparse.Namespace) -> list[dict[str, Any]]:
    n_seeds = options.seeds or fits.SEEDS["quick" if options.quick else "full"]
    found = []
    for threads in options.threads:
        for dtype in options.dtypes:
            show = report.fits(dtype, threads, n_seeds)
            found += fits.measure(dtype, threads, n_seeds, options.clock, options.only or "", show)
    report.warn_if_busy(found)
    return found


def measure_processes(options: argparse.Namespace, effort: Effort) -> dict[str, Any]:
    threads = options.threads[-1]
    found = {
        "imports": processes.measure_imports(options.peers, threads, effort),
        "cold_start": processes.measure_cold_start(threads, effort),
        "sizes": processes.measure_sizes(options.peers),
    }
    report.imports(found["imports"])
    report.cold_start(found["cold_start"])
    report.sizes(found["sizes"])
    return found


def main() -> None:
    options = arguments()
    effort = replace(EFFORTS["quick" if options.quick else "full"], clock=options.clock)
    if options.seconds:
        effort = replace(effort, seconds=options.seconds)
    results: dict[str, Any] = {"machine": machine.description(options.peers), "clock": effort.clock}
    report.describe(results["machine"])
    if "training" in options.parts:
        title = "Training, microseconds per step"
        results["training"] = measure_networks(title, TRAINING, options, effort, measure_training, "trains")
        title = "Training with dropout, Adam and a cosine schedule, microseconds per step"
        results["recipes"] = measure_networks(title, RECIPES, options, effort, measure_training, "recipes")
    if "predict" in options.parts:
        title = "predict, microseconds per call"
        results["predict"] = measure_networks(title, PREDICTING, options, effort, measure_predicting, "predicts")
    if "products" in options.parts:
        short = replace(effort, seconds=PRODUCT_SHARE * effort.seconds)
        results["products"] = products.measure(short, report.products())
    if "processes" in options.parts:
        results["processes"] = measure_processes(options, effort)
    if "fits" in options.parts:
        results["fits"] = measure_fits(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.images and not (options.quick or options.only):
        from plot import draw

        draw(results, options.images)


if __name__ == "__main__":
    main()
