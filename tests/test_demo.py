"""The demonstration: what it prints holds, fits a terminal, and its NumPy is the same training."""

import re
import time

import numpy as np
import pytest

import fastprop as fp
from fastprop import demo
from fastprop._native import philox
from fastprop.cli import main

fast = pytest.mark.skipif(fp.target() == "baseline", reason="baseline is right on every machine, not fast")


@pytest.fixture(scope="module", params=["utf-8", "ascii"])
def printed(request):
    """What `fastprop demo` writes where standard output has that encoding, and the encoding."""
    import contextlib
    import io

    buffer = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(buffer, encoding=request.param)) as out:
        assert main(["demo"]) == 0
        out.flush()
    return buffer.getvalue().decode(request.param), request.param


def test_it_reads_held_out_digits(printed):
    accuracy = float(re.search(r"held out +([\d.]+)% of 360 digits", printed[0]).group(1))
    assert accuracy >= 97


@fast
def test_it_trains_within_a_second(printed):
    seconds = float(re.search(r"training +30 epochs in ([\d.]+) s", printed[0]).group(1))
    assert seconds < 1


def test_it_names_the_target_and_compares_a_step_with_numpys(printed):
    text = printed[0]
    assert text.startswith(f"fastprop {fp.__version__} on {fp.target()}: learning to read 1,437 handwritten digits\n")
    times = re.search(r"one step +([\d.]+) .s here, ([\d.]+) .s in NumPy \S+: ([\d.]+) times as (fast|slow)\n", text)
    ours, numpys, ratio = map(float, times.group(1, 2, 3))
    expected = numpys / ours if times.group(4) == "fast" else ours / numpys
    assert ratio == pytest.approx(expected, rel=0.05)
    assert ratio >= 1


def test_it_fits_80_columns_without_control_codes(printed):
    text, encoding = printed
    assert max(map(len, text.splitlines())) <= 80
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert any(shade in text for shade in (demo.SHADES if encoding == "utf-8" else demo.ASCII_SHADES)[3:])


def test_every_seed_reads_more_than_97_percent(monkeypatch, capsys):
    monkeypatch.setattr(demo, "_step_seconds", lambda *_: (1e-6, 2e-6, 1))
    accuracies = []
    for seed in range(1, 7):
        demo.run(seed)
        accuracies.append(float(re.search(r"([\d.]+)% of 360", capsys.readouterr().out).group(1)))
    assert min(accuracies) >= 97


def test_its_numpy_is_the_same_training():
    """The comparison is of the same work: after an epoch in the same order, the same weights within rounding."""
    pixels, y = fp.datasets.load_digits()
    X = pixels[:500] / 16
    y = y[:500]
    model = fp.mlp(64, 16, 10, output="softmax", seed=1)
    numpys = demo.NumpyTrainer(model, demo.RULE, batch_size=32)
    trainer = fp.Trainer(model, "cross_entropy", demo.RULE)
    history = trainer.fit(X, y, epochs=2)
    losses = [numpys.epoch(X, y, philox.permutation(1, epoch, len(X))) for epoch in range(2)]
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-4)
    np.testing.assert_allclose(numpys.theta, model.theta, atol=1e-4)


def test_its_numpy_uses_its_buffers_again():
    """NumPy at its best: one epoch allocates less than a twentieth of what its batches alone would take."""
    import tracemalloc

    X, y = np.random.default_rng(0).random((3200, 64), dtype=np.float32), np.arange(3200) % 10
    numpys = demo.NumpyTrainer(fp.mlp(64, 128, 10, output="softmax"), demo.RULE, batch_size=32)
    order = np.arange(3200)
    numpys.epoch(X, y, order)
    tracemalloc.start()
    numpys.epoch(X, y, order)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 20


def pictures_of(said, truth, sure):
    o = np.full((len(said), 10), 0.01)
    o[np.arange(len(said)), said] = sure
    return demo.pictures(np.tile(np.arange(64) % 17, (len(said), 1)), np.array(truth), o).splitlines()[-2:]


def test_the_last_picture_is_one_that_the_network_gets_wrong():
    says, truth = pictures_of([0, 1, 2, 3, 4], [0, 1, 2, 9, 4], [0.9, 0.5, 0.9, 0.8, 0.9])
    assert says.split("    ")[-1].strip() == "says 3 (80.0%)"
    assert truth.split("    ")[-1].strip() == "it is 9, wrong"


def test_the_last_picture_is_the_least_sure_where_all_are_right():
    says, truth = pictures_of([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0.9, 0.4, 0.9, 0.8, 0.9])
    assert re.findall(r"says (\d) \((\d+)", says) == [("0", "90"), ("2", "90"), ("3", "80"), ("1", "40")]
    assert re.findall(r"it is (\d)", truth) == ["0", "2", "3", "1"]
    assert "wrong" not in truth


@fast
def test_it_is_quick():
    start = time.perf_counter()
    demo.run()
    assert time.perf_counter() - start < 5
