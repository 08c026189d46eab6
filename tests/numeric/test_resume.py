"""Trainings that were cut off: killed at any moment, interrupted, out of disk, diverged; and what they go on to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.net import load_network
from backcalc.numeric import train as train_module
from backcalc.numeric.checkpoint import Keeper, identity
from backcalc.numeric.data import Data, DataError, load_data
from backcalc.numeric.running import Running
from backcalc.numeric.runs import RunError, interrupts
from backcalc.numeric.settings import Diverged, Training, TrainingError
from backcalc.numeric.train import Progress, train

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and limits as POSIX has them")

BLOBS = load_data("blobs:60")
IMAGES = Data("maps", np.random.default_rng(0).normal(size=(24, 1, 5, 5)), np.arange(24.0) % 2, classes=("a", "b"))
NORMED: list[Any] = [
    {"dense": {"units": 6, "bias": False}}, "batchnorm", "tanh", {"dropout": "0.3"}, {"dense": 3}, "softmax",
]  # fmt: skip
MAPS: list[Any] = [{"conv2d": {"filters": 2, "kernel": 2}}, "relu", {"maxpool2d": 2}, "flatten", {"dense": 2}]


def network(layers: Any = NORMED, loss: str = "nll", update: Any = "adam", inputs: Any = 2) -> Any:
    return load_network({"input": inputs, "layers": layers, "loss": loss, "update": update})


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard even where whoever runs the tests ignores it, as a job in the background does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Left(Exception):
    """A training that is left in the middle."""


def left_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training from here on is left after so many steps, its state just written."""
    stepped, made = Keeper.stepped, [0]

    def leaving(self: Keeper) -> None:
        stepped(self)
        made[0] += 1
        if made[0] == steps:
            raise Left

    monkeypatch.setattr(Keeper, "stepped", leaving)


def same(found: Any, whole: Any) -> None:
    assert found.curves == whole.curves
    assert (found.test, found.stopped, found.notes) == (whole.test, whole.stopped, whole.notes)
    assert found.parameters.keys() == whole.parameters.keys()
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], array)


@pytest.mark.parametrize("steps", [1, 3, 6, 17])
@pytest.mark.parametrize(
    ("layers", "data", "changes"),
    [
        (NORMED, BLOBS, {}),
        (NORMED, BLOBS, {"order": "replacement", "trials": 2, "legacy": True}),
        (NORMED, BLOBS, {"validation": 0.2, "patience": 3, "trials": 3, "dtype": "float64"}),
        (MAPS, IMAGES, {"flip": True, "shift": 1, "trials": 2}),
    ],
)
def test_a_training_goes_on_from_any_step(
    steps: int, layers: Any, data: Data, changes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from the middle of an epoch, of five or six steps here."""
    loss = "nll" if layers is NORMED else "cross_entropy_logits"
    net, state = network(layers, loss, inputs=list(data.shape)), tmp_path / "state.npz"
    settings = Training(epochs=6, batch=10 if data is BLOBS else 4, rate=0.05, **changes)
    whole = train(net, data, settings)
    with monkeypatch.context() as patched:
        left_after(steps, patched)
        with pytest.raises(Left):
            train(net, data, settings, save=state, every=0)
    same(train(net, data, settings, save=state, resume=True), whole)
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_more_epochs_may_be_asked_for(tmp_path: Path) -> None:
    settings = Training(batch=20, trials=2, rate=0.05, validation=0.3, patience=30, dtype="float64")
    whole = train(network(), BLOBS, settings, epochs=9)
    train(network(), BLOBS, settings, epochs=4, save=tmp_path / "state.npz")
    same(train(network(), BLOBS, settings, epochs=9, save=tmp_path / "state.npz", resume=True), whole)


def test_the_state_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = Keeper.write

    def counted(self: Keeper) -> None:
        written.append(self.running.epoch)
        write(self)

    monkeypatch.setattr(Keeper, "write", counted)
    train(network(), BLOBS, epochs=3, rate=0.1, batch=10, save=tmp_path / "state.npz", every=3600)
    assert written == [0, 3], "at the beginning and at the end"
    written.clear()
    train(network(), BLOBS, epochs=3, rate=0.1, batch=10, save=tmp_path / "state.npz", every=0)
    assert len(written) == 1 + 3 * 6 + 1


def test_writing_costs_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that takes a second to write is written after twenty seconds, not after five."""
    now = [0.0]

    def slow(*arguments: Any) -> None:
        now[0] += 1.0

    monkeypatch.setattr("backcalc.numeric.checkpoint.time.monotonic", lambda: now[0])
    monkeypatch.setattr("backcalc.numeric.checkpoint.write", slow)
    keeper = Keeper(Running(network(), BLOBS, Training(rate=0.1)), tmp_path / "state.npz")
    keeper.write()
    assert keeper.due == pytest.approx(1.0 + 20.0)


# -- another training ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch": 5, "rate": 0.2}, "`batch` was 32, but is 5 and `rate` was 0.1, but is 0.2"),
        ({"flip": True}, "`flip` was false, but is true"),
    ],
)
def test_other_settings_are_refused(change: Any, words: str, tmp_path: Path) -> None:
    net, data = network(MAPS, "cross_entropy_logits", inputs=[1, 5, 5]), IMAGES
    train(net, data, epochs=1, rate=0.1, save=tmp_path / "state.npz")
    with pytest.raises(TrainingError) as caught:
        train(net, data, **{"epochs": 2, "rate": 0.1, **change}, save=tmp_path / "state.npz", resume=True)
    assert str(caught.value) == f"`state.npz` is the state of another training: {words}"


def test_another_network_and_other_samples_are_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.npz"
    train(network(), BLOBS, epochs=1, rate=0.1, save=state)
    other = network([*NORMED[:2], "sigmoid", *NORMED[3:]])
    with pytest.raises(TrainingError, match="the network is another and the samples are others"):
        train(other, load_data("blobs:60", seed=1), epochs=2, rate=0.1, save=state, resume=True)
    with pytest.raises(TrainingError, match=r"the network is another$"):
        train(network(update={"adam": {"beta1": "0.8"}}), BLOBS, epochs=2, rate=0.1, save=state, resume=True)
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(DataError, match="cut off, damaged"):
        train(network(), BLOBS, epochs=2, rate=0.1, save=state, resume=True)
    np.savez(state, W=np.zeros(3))
    with pytest.raises(TrainingError, match="holds no state of a training"):
        train(network(), BLOBS, epochs=2, rate=0.1, save=state, resume=True)


def test_the_identity_is_the_same_in_every_process() -> None:
    code = (
        "from tests.numeric.test_resume import *; import json\n"
        "print(json.dumps(identity(Running(network(), BLOBS, Training(rate=0.1)))))"
    )
    root = str(Path(backcalc.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == identity(Running(network(), BLOBS, Training(rate=0.1)))


# -- killed, interrupted, out of disk -------------------------------------------------------------------

SCRIPT = """
import sys
from pathlib import Path
from tests.numeric.test_resume import *
settings = Training(epochs=60, batch=10, trials=2, rate=0.05, validation=0.2, patience=50)
history = train(network(), BLOBS, settings, save=Path(sys.argv[1]), resume=True, every=float(sys.argv[2]))
np.savez(sys.argv[3], **history.parameters, loss=history.curves["loss"], val=history.curves["val_loss"])
"""


def started(folder: Path, every: float) -> subprocess.Popen[bytes]:
    """The training of the script in a process of its own."""
    root = str(Path(backcalc.__file__).parents[1])
    arguments = [sys.executable, "-c", SCRIPT, str(folder / "state.npz"), str(every), str(folder / "end.npz")]
    return subprocess.Popen(arguments, cwd=root, env={**os.environ, "PYTHONPATH": root})


def ended(folder: Path) -> bytes:
    """What the training left, once it has ended by itself."""
    assert started(folder, 5).wait(timeout=120) == 0
    return (folder / "end.npz").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return ended(tmp_path_factory.mktemp("undisturbed"))


def killed(folder: Path, states: int, *, writing: bool) -> None:
    """Starts the training, and kills it after so many states, in the middle of writing the next or between two."""
    process, state, beside = started(folder, 0), folder / "state.npz", folder / ".state.npz.writing"
    seen, made = state.stat().st_mtime_ns if state.exists() else 0, 0
    while process.poll() is None:
        now = state.stat().st_mtime_ns if state.exists() else 0
        seen, made = now, made + (now != seen)
        if made >= states and beside.exists() is writing:
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was killed before its end"


@POSIX
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([(0, True)], id="in the first write"),
        pytest.param([(3, False)], id="between two writes"),
        pytest.param([(2, True), (25, True), (1, False)], id="three times"),
    ],
)
def test_a_killed_training_ends_as_if_it_had_not_been(
    moments: list[tuple[int, bool]], undisturbed: bytes, tmp_path: Path
) -> None:
    for states, writing in moments:
        killed(tmp_path, states, writing=writing)
        state = tmp_path / "state.npz"
        assert state.exists() or states == 0
        if state.exists():  # what is there is whole
            with np.load(state) as arrays:
                assert np.isfinite(arrays["flat"]).all()
    assert ended(tmp_path) == undisturbed
    assert sorted(file.name for file in tmp_path.iterdir()) == ["end.npz", "state.npz"]


@POSIX
@pytest.mark.usefixtures("heard")
def test_an_interrupt_is_seen_between_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the signal arrives, here in the middle of a step, the step is made and the state written."""
    net, settings = network(), Training(epochs=5, batch=10, rate=0.05)
    whole = train(net, BLOBS, settings)
    one_epoch, state = Running.one_epoch, tmp_path / "state.npz"

    def pressed(self: Running) -> Any:
        for number, _ in enumerate(one_epoch(self)):
            if (self.epoch, number) == (2, 3):
                signal.raise_signal(signal.SIGINT)
            yield

    with monkeypatch.context() as patched:
        patched.setattr(Running, "one_epoch", pressed)
        with pytest.raises(KeyboardInterrupt):
            train(net, BLOBS, settings, save=state, every=3600)
    running = Running(net, BLOBS, settings)
    running.go_on(train_module.read(state, running))
    assert (running.epoch, running.step) == (2, 4)
    same(train(net, BLOBS, settings, save=state, resume=True), whole)


@POSIX
@pytest.mark.usefixtures("heard")
def test_an_interrupt_in_a_destructor_is_not_lost() -> None:
    """There Python prints an exception and forgets it; the flag stays."""

    class Odd:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with interrupts() as asked:
        assert not asked()
        odd = Odd()
        del odd
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_hear_no_signals() -> None:
    found: list[bool] = []

    def inside() -> None:
        with interrupts() as asked:
            found.append(asked())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [False]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"state\.npz` could not be written: No such file or directory; what was written"
    ):
        train(network(), BLOBS, epochs=1, rate=0.1, save=tmp_path / "nowhere" / "state.npz")


FULL = """
import resource, sys
from pathlib import Path
from tests.numeric.test_resume import *
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    train(network(), BLOBS, epochs=4, batch=10, rate=0.05, save=Path(sys.argv[1]), resume=True, every=0)
except RunError as error:
    print(error)
"""


@POSIX
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the middle of the file."""
    state = tmp_path / "state.npz"
    whole = train(network(), BLOBS, epochs=4, batch=10, rate=0.05)
    train(network(), BLOBS, epochs=2, batch=10, rate=0.05, save=state)
    before = state.read_bytes()
    root = str(Path(backcalc.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(state), "4000"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "state.npz` could not be written: File too large; what was written before is whole" in done.stdout
    assert state.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
    same(train(network(), BLOBS, epochs=4, batch=10, rate=0.05, save=state, resume=True), whole)


def test_a_training_that_diverges_keeps_its_last_good_epoch(tmp_path: Path) -> None:
    layers = [{"dense": {"name": "a", "units": 4}}, {"dense": {"name": "z", "units": 1}}]
    net, data, state = network(layers, "mse", "sgd", 1), load_data("abs:30"), tmp_path / "state.npz"
    settings = Training(epochs=300, batch=30, rate=3.0)
    epochs: list[Progress] = []
    with pytest.raises(Diverged, match="the loss of trial 1 is no finite number in step 1 of epoch") as caught:
        train(net, data, settings, save=state, progress=epochs.append)
    assert 1 <= caught.value.good <= len(epochs)
    kept = train(net, data, settings, epochs=caught.value.good, save=state, resume=True)
    same(kept, train(net, data, settings, epochs=caught.value.good))
    assert all(np.isfinite(array).all() for array in kept.parameters.values())
