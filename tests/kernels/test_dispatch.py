"""Which target's kernels run, and that all of them offer the same kernels."""

import numpy as np
import pytest

from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
from processes import run_python

PRINT_CHOSEN = "from fastprop._native import dispatch; print(dispatch.chosen())"


@pytest.mark.parametrize("target", dispatch.available())
def test_the_environment_variable_picks_the_target(target: str) -> None:
    result = run_python(PRINT_CHOSEN, FASTPROP_TARGET=target)
    assert result.stdout.strip() == target, result.stderr


@pytest.mark.parametrize("target", [None, ""], ids=["unset", "empty"])
def test_the_best_target_is_the_default(target: str | None) -> None:
    result = run_python(PRINT_CHOSEN, FASTPROP_TARGET=target)
    assert result.stdout.strip() == dispatch.available()[0], result.stderr


@pytest.mark.parametrize("target", ["sse9", "AVX2", "avx2 "])
def test_an_unavailable_target_is_refused_with_those_available(target: str) -> None:
    result = run_python(PRINT_CHOSEN, FASTPROP_TARGET=target)
    assert result.returncode != 0
    message = result.stderr.strip().splitlines()[-1]
    assert message.startswith(f"ValueError: target {target!r} is not available")
    assert f"available: {', '.join(dispatch.available())}" in message


def test_baseline_is_available_everywhere_and_comes_last() -> None:
    assert dispatch.available()[-1] == "baseline"


def test_every_target_offers_the_same_kernels(kernels: KernelCalls, baseline: KernelCalls) -> None:
    for names in ("elementaries", "activations", "losses", "metrics", "updates"):
        assert getattr(kernels, names) == getattr(baseline, names)


def test_the_table_knows_its_type(kernels: KernelCalls) -> None:
    assert repr(kernels) == f"KernelCalls(target={kernels.target!r}, dtype={kernels.dtype.name!r})"


@pytest.mark.parametrize(
    "call",
    [
        lambda k: k.elementary("sine", np.zeros(1, k.dtype)),
        lambda k: k.activation_forward("rellu", np.zeros((1, 1), k.dtype)),
        lambda k: k.loss("msle", *np.zeros((2, 1, 1), k.dtype)),
        lambda k: k.metric("auc", *np.zeros((2, 1, 1), k.dtype)),
        lambda k: k.update("sgdd", *np.zeros((3, 1), k.dtype), (0, 0, 0, 0, 0)),
    ],
    ids=["elementary", "activation", "loss", "metric", "update"],
)
def test_an_unknown_kernel_is_refused(kernels: KernelCalls, call) -> None:
    with pytest.raises(LookupError, match="no kernel is called"):
        call(kernels)
