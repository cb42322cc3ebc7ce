"""Threads: how many are used, that they change no bit, and that nobody waits for one that does not come."""

import concurrent.futures
import gc
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastprop as fp
from bounds import assert_same_bits
from fastprop._native import threads
from processes import run_python


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch):
    """Small work is shared too, whatever the clock says; the number of threads is put back afterwards."""
    monkeypatch.setattr(threads, "STEP_WORK_PER_THREAD", 1)
    monkeypatch.setattr(threads.Pace, "_better", lambda pace: pace.n_workers)
    monkeypatch.setattr(threads, "CALL_WORK", 0)
    monkeypatch.setattr("fastprop._native.engine.CALL_WORK", 0)
    before = fp.num_threads()
    yield
    fp.set_num_threads(before)


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = fp.datasets.load_digits()
    return X[:300] / 16, y[:300]


def trainer(seed: int = 0) -> fp.Trainer:
    model = fp.mlp(64, 33, 17, 10, activation="tanh", output="softmax", seed=seed)
    return fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9), metrics=["accuracy"])


def trained(seed: int = 0) -> np.ndarray:
    one = trainer(seed)
    one.fit(*digits(), epochs=2, batch_size=64, progress=False)
    return one.model.theta


@pytest.mark.parametrize("n", [2, 3, 5, 16])
def test_training_scores_and_predictions_are_the_same_bits_with_any_number(shared: None, n: int) -> None:
    """Also with more threads than this machine's processors, than rows in the last batch, or than inputs of a layer."""
    X, y = digits()
    w = np.linspace(0.5, 2, len(X))
    results = []
    for number in (1, n):
        fp.set_num_threads(number)
        one = trainer()
        history = one.fit(X, y, epochs=3, batch_size=64, sample_weight=w, validation_split=0.1, progress=False)
        scores = [*history.values(), list(one.evaluate(X, y, sample_weight=w).values())]
        loss, grad = fp.gradient(one.model, X, y, "cross_entropy", sample_weight=w)
        results.append([one.model.theta, one.model.predict(X), grad, np.array([*np.concatenate(scores), loss])])
    for actual, expected in zip(*results, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 5)])
def test_a_run_resumed_with_other_threads_equals_one_never_stopped(
    shared: None, tmp_path: Path, before: int, after: int
) -> None:
    """To the last bit of weights, velocity and history; the order of rows, too, is that of the epoch's number."""

    def go_on(one: fp.Trainer, number: int, epochs: int) -> None:
        fp.set_num_threads(number)
        one.fit(*digits(), epochs=epochs, batch_size=64, progress=False)

    through, stopped = trainer(), trainer()
    go_on(through, 1, epochs=4)
    go_on(stopped, before, epochs=1)
    stopped.save(tmp_path / "stopped")
    resumed = fp.Trainer.resume(tmp_path / "stopped")
    go_on(resumed, after, epochs=3)
    resumed.save(tmp_path / "resumed")
    through.save(tmp_path / "through")
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "through").read_bytes()


def test_helpers_do_work(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all of the above would hold with one thread too. A helper tells its number, 0 if it came late."""
    numbers = []
    monkeypatch.setattr(
        "fastprop._native.engine.call_helpers",
        lambda work, count: threads.call_helpers(lambda: numbers.append(work()), count),
    )
    fp.set_num_threads(3)
    one = trainer()
    while {1, 2} - set(numbers) and one.epoch < 10_000:  # a loaded machine may not wake them for a while
        one.fit(*digits(), epochs=10, batch_size=64, progress=False)
    assert {1, 2} <= set(numbers) <= {0, 1, 2}


@pytest.mark.parametrize("in_python", [False, True])
def test_stints_of_any_length_with_or_without_helpers_change_no_bit(
    shared: None, monkeypatch: pytest.MonkeyPatch, in_python: bool
) -> None:
    X, y = digits()
    n_stints = 0

    def function(o: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -(y * np.log(o)).sum(1), -y / o

    def stint(_: threads.Pace) -> tuple[int, int]:
        nonlocal n_stints
        n_stints += 1
        return [(1, 3), (3, 2), (3, 1), (1, 1), (3, 7)][n_stints % 5]

    def run() -> fp.Trainer:
        model = fp.mlp(64, 33, 17, 10, activation="tanh", output="softmax", seed=0)
        one = fp.Trainer(model, fp.CustomLoss(function) if in_python else "cross_entropy", fp.SGD(0.1, momentum=0.9))
        one.fit(X, np.eye(10)[y], epochs=7, batch_size=32, progress=False)
        return one

    fp.set_num_threads(1)
    expected = run()
    monkeypatch.setattr(threads.Pace, "stint", stint)
    fp.set_num_threads(3)
    actual = run()
    assert n_stints > 10
    assert_same_bits(actual.model.theta, expected.model.theta)
    assert actual.history == expected.history


def test_a_loss_that_is_no_number_ends_all_stints(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = digits()
    fp.set_num_threads(2)
    one = fp.Trainer(fp.mlp(64, 33, 10, seed=0), "mse", fp.SGD(1e20))
    before = one.model.theta.copy()
    monkeypatch.setattr(threads.Pace, "stint", lambda pace: (2, 1))
    with pytest.raises(fp.DivergedError) as caught:
        one.fit(X, np.eye(10)[y], batch_size=30, progress=False)
    assert 0 < caught.value.step < 9
    assert_same_bits(one.model.theta, before)


def test_ctrl_c_between_two_stints_leaves_the_network_as_after_a_whole_batch(
    shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(pace: threads.Pace, *_: object) -> None:
        if one.step == 3:
            raise KeyboardInterrupt

    fp.set_num_threads(2)
    one, other = trainer(), trainer()
    with monkeypatch.context() as patch:
        patch.setattr(threads.Pace, "stint", lambda pace: (2, 1))
        patch.setattr(threads.Pace, "note", note)
        with pytest.raises(KeyboardInterrupt):
            one.fit(*digits(), batch_size=64, shuffle=False, progress=False)
    other.fit(*(rows[: 3 * 64] for rows in digits()), batch_size=64, shuffle=False, progress=False)
    assert (one.step, one.epoch) == (3, 0)
    assert_same_bits(one.model.theta, other.model.theta)


class Machine:
    """Processors on which a batch takes so long alone, and so long together, as a Pace finds out job by job."""

    def __init__(self, alone: float, together: float) -> None:
        self.seconds = {1: alone, 4: together}
        self.pace = threads.Pace(4)

    def work(self, seconds: float) -> float:
        """For so long, in jobs of some 10 ms; returns the share of batches that were done together."""
        n_batches = {1: 0, 4: 0}
        while sum(n_batches[n] * self.seconds[n] for n in n_batches) < seconds:
            left = max(1, int(0.01 / self.seconds[4]))
            while left:
                n_workers, most = self.pace.stint()
                count = min(most, left)
                self.pace.note(n_workers, count, count * self.seconds[n_workers])
                n_batches[n_workers] += count
                left -= count
        return n_batches[4] / sum(n_batches.values())


@pytest.mark.parametrize("together", [1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
def test_steps_are_done_as_is_sooner_after_short_trials(together: float) -> None:
    """From tiny steps to those that are longer than a trial should be. The other way is hardly ever tried."""
    assert Machine(2 * together, together).work(0.05 + 20 * together) > 0.75
    assert Machine(2 * together, together).work(60) > 0.97
    assert Machine(together / 2, together).work(60) < 0.06


def test_the_first_steps_are_done_together() -> None:
    assert Machine(1e-4, 3e-4).work(0.003) == 1


def test_a_machine_that_changes_is_noticed() -> None:
    """A second processor that comes late from now on: at once. One that comes back: within some seconds."""
    machine = Machine(2e-4, 1e-4)
    machine.work(10)
    machine.seconds[4] = 9e-4
    assert machine.work(0.5) < 0.2
    assert machine.work(10) < 0.01
    machine.seconds[4] = 1e-4
    machine.work(3)
    assert machine.work(10) > 0.95


def test_a_single_slow_job_changes_nothing() -> None:
    machine = Machine(2e-4, 1e-4)
    machine.work(1)
    machine.pace.note(4, 100, 100 * 2.5e-4)
    assert machine.work(0.1) > 0.9


@pytest.mark.parametrize(("work", "itemsize", "expected"), [
    (799_999, 4, 1), (800_000, 4, 2), (400_000, 8, 2), (5_999_999, 4, 2), (6_000_000, 4, 3), (10**12, 4, 5),
])  # fmt: skip
def test_small_steps_have_one_thread_or_two_and_large_ones_as_many_as_have_enough_to_do(
    monkeypatch: pytest.MonkeyPatch, work: int, itemsize: int, expected: int
) -> None:
    monkeypatch.setattr(threads, "number", lambda: 5)
    assert threads.for_step(work, itemsize) == expected


def test_several_trainers_in_threads_of_their_own_do_not_disturb_each_other(shared: None) -> None:
    """One of them gets the helpers, whichever asks first; the others work alone."""
    fp.set_num_threads(1)
    expected = [trained(seed) for seed in range(6)]
    fp.set_num_threads(3)
    with ThreadPoolExecutor(6) as pool:
        for actual, alone in zip(pool.map(trained, range(6)), expected, strict=True):
            assert_same_bits(actual, alone)


def test_a_thread_that_cannot_be_started_is_done_without(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fp.set_num_threads(1)
    expected = trained()

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(threads, "_crew", threads._Crew())
    fp.set_num_threads(4)
    assert_same_bits(trained(), expected)


def test_calls_that_no_thread_will_answer_are_forgotten(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the job, and so the user's arrays."""
    X = np.zeros((300, 64))
    n_references = sys.getrefcount(X)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(threads, "_crew", threads._Crew())
    fp.set_num_threads(4)
    trainer().fit(X, digits()[1], epochs=2, batch_size=64, progress=False)
    gc.collect()
    assert sys.getrefcount(X) == n_references


def test_ctrl_c_while_helpers_are_called_lets_go_of_those_at_the_gate(
    shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever work with them, and they would wait for ever: in this process's last moment, too."""
    called = []

    def send_and_interrupt(self: threads._Crew, work: Callable[[], object], count: int) -> None:
        called.extend(helper_pool.submit(work) for _ in range(count))
        raise KeyboardInterrupt

    fp.set_num_threads(3)
    one = trainer()
    with ThreadPoolExecutor(2) as helper_pool:
        with monkeypatch.context() as patch:
            patch.setattr(threads._Crew, "send", send_and_interrupt)
            with pytest.raises(KeyboardInterrupt):
                one.fit(*digits(), progress=False)
        assert [call.result(timeout=60) for call in called] == [0, 0]
    assert not threads._crew.busy.locked()
    assert one.step == 0
    one.fit(*digits(), epochs=2, batch_size=64, progress=False)
    assert_same_bits(one.model.theta, trained())


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_ctrl_c_gives_the_helpers_back_though_its_traceback_is_kept() -> None:
    """As an interactive session keeps it: what is left undone in a frame then stays undone."""
    code = """
import os, signal, threading, time
from fastprop._native import threads, engine
import fastprop as fp
threads.STEP_WORK_PER_THREAD, engine.CALL_WORK = 1, 0
fp.set_num_threads(2)
X, y = fp.datasets.load_digits()
trainer = fp.Trainer(fp.mlp(64, 512, 512, 10, output="softmax"), "cross_entropy")
def interrupt():
    while trainer.step < 3:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
kept = []
threading.Thread(target=interrupt).start()
try:
    trainer.fit(X, y, epochs=100_000, progress=False)
except KeyboardInterrupt as error:
    kept.append(error)
print(len(kept), threads._crew.busy.locked())
"""
    result = run_python(code)
    assert (result.stdout, result.stderr) == ("1 False\n", "")


def test_a_helper_that_comes_too_late_does_nothing(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class LateExecutor:
        def __init__(self, *_: object, **__: object) -> None: ...

        def submit(self, work) -> None:
            calls.append(work)

    fp.set_num_threads(1)
    expected = trained()
    monkeypatch.setattr(concurrent.futures, "ThreadPoolExecutor", LateExecutor)
    monkeypatch.setattr(threads, "_crew", threads._Crew())
    fp.set_num_threads(2)
    assert_same_bits(trained(), expected)
    assert calls
    for work in calls:
        work()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_trains_with_helpers_of_its_own() -> None:
    """Threads do not survive a fork; a pool that thought so would wait for ever."""
    code = """
import os, warnings
from fastprop._native import threads, engine
import fastprop as fp
threads.STEP_WORK_PER_THREAD, engine.CALL_WORK = 1, 0
fp.set_num_threads(2)
X, y = fp.datasets.load_digits()
def train():
    model = fp.mlp(64, 32, 10, output="softmax")
    fp.Trainer(model, "cross_entropy").fit(X, y, epochs=2, progress=False)
    return model.theta.tobytes()
parents = train()
warnings.simplefilter("ignore", DeprecationWarning)
child = os.fork()
if child == 0:
    os._exit(train() != parents)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    result = run_python(code)
    assert (result.stdout.strip(), result.stderr) == ("0", "")


def test_a_process_ends_while_a_daemon_thread_trains() -> None:
    code = """
import threading, time
from fastprop._native import threads, engine
import fastprop as fp
threads.STEP_WORK_PER_THREAD, engine.CALL_WORK = 1, 0
fp.set_num_threads(2)
X, y = fp.datasets.load_digits()
trainer = fp.Trainer(fp.mlp(64, 32, 10, output="softmax"), "cross_entropy")
threading.Thread(target=lambda: trainer.fit(X, y, epochs=100_000, progress=False), daemon=True).start()
while trainer.epoch < 3:
    time.sleep(0.01)
"""
    assert run_python(code).returncode == 0


def test_the_number_is_that_of_the_processors_or_of_the_environment() -> None:
    code = "import fastprop as fp; print(fp.num_threads())"
    assert run_python(code, FASTPROP_NUM_THREADS="3").stdout.strip() == "3"
    by_default = int(run_python(code, FASTPROP_NUM_THREADS=None).stdout)
    assert 1 <= by_default <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_affinity_is_respected() -> None:
    code = """
import os
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import fastprop as fp
print(fp.num_threads())
"""
    assert run_python(code, FASTPROP_NUM_THREADS=None).stdout.strip() == "1"


@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="needs two processors")
def test_a_helper_leaves_the_processor_of_its_caller() -> None:
    """Linux likes to wake a thread where the one that woke it runs. Afterwards it may go wherever it might before."""
    code = """
import os
import numpy as np
import fastprop as fp
from fastprop._native import threads
processors = os.sched_getaffinity(0)
callers = min(processors)
fp.set_num_threads(2)
model, X = fp.mlp(64, 64, 10), np.zeros((400_000, 64), np.float32)     # 50 ms: it cannot come too late
model.predict(X)
(helper,) = (thread.native_id for thread in threads._crew.executor._threads)
os.sched_setaffinity(0, {callers})
os.sched_setaffinity(helper, {callers})     # so it is there
os.sched_setaffinity(helper, processors)
model.predict(X)
threads._crew.executor.submit(int).result()     # it is done with the call
fields = open(f"/proc/self/task/{helper}/stat").read().rpartition(")")[2].split()
print(int(fields[36]) != callers, os.sched_getaffinity(helper) == processors)
"""
    assert run_python(code, FASTPROP_NUM_THREADS=None).stdout.split() == ["True", "True"]


@pytest.mark.parametrize(("files", "expected"), [
    ({"cpu.max": "150000 100000"}, 1.5),
    ({"cpu.max": "max 100000"}, float("inf")),
    ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
    ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, float("inf")),
    ({"cpu.max": "50000 100000"}, 1),
    ({}, float("inf")),
])  # fmt: skip
def test_a_control_groups_share_is_respected(tmp_path, monkeypatch, files: dict[str, str], expected: float) -> None:
    """Both versions of Linux's control groups; less than one processor counts as one."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    monkeypatch.setattr(threads, "CONTROL_GROUPS", str(tmp_path))
    assert threads._cgroup_share() == expected


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_wrong_environment_variable_is_refused(value: str) -> None:
    result = run_python("import fastprop as fp; fp.num_threads()", FASTPROP_NUM_THREADS=value)
    assert f"ValueError: the environment variable FASTPROP_NUM_THREADS is a whole number from 1, not {value!r}" in (
        result.stderr
    )


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (-2, ValueError), (1025, ValueError), (1.0, TypeError)])
def test_a_wrong_number_is_refused(n: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^n .*{n}"):
        fp.set_num_threads(n)
