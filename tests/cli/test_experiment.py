"""`backcalc experiment`: tables, files, mistakes, what is left behind, and how it is interrupted and gone on with."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.cli import busy as busy_module

FILE = """\
name: clouds, wide and narrow
net: net.yaml
data: blobs:60
train: {epochs: 5, split: {validation: 0.2}}
vary: {a.units: [2, 6]}
repeats: 4
measure: [test.accuracy, train.loss, params, dead]
choose: val.loss
"""
NET = """\
name: clouds
input: {x: 2}
layers: [dense: {name: a, units: 4}, relu: {name: h}, dense: {name: z, units: 3}]
loss: nll_logits
update: {adam: {rate: 0.05}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An experiment beside its network."""
    (tmp_path / "net.yaml").write_text(NET, encoding="utf-8")
    path = tmp_path / "clouds.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_table_shows_spread_comparison_and_choice(run: Callable[..., Any], file: Path) -> None:
    found = run("experiment", file)
    assert (found.status, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0] == "clouds, wide and narrow"
    assert lines[2] == "clouds, on blobs:60: 2 arms, 4 repeats each, seeds 0 to 3."
    assert "a.units  params  dead" in lines
    assert max(map(len, lines)) <= 80
    for part in (
        "a.units    mean",
        "median",
        "95 %",
        "Comparison",
        "a.units = 6, against a.units = 2:",
        "Welch's",
        "test.accuracy, seed by seed: difference",
    ):
        assert part in found.out
    assert "By the mean of val.loss, " in found.out and "the best is a.units = 6" in found.out


def test_a_grid_has_a_column_an_axis_and_the_seeds_are_those_that_were_used(
    run: Callable[..., Any], file: Path
) -> None:
    axes = "vary: {a.units: [2, 16], train.batch: [8, 16]}"
    file.write_text(FILE.replace("vary: {a.units: [2, 6]}", axes).replace("epochs: 5", "epochs: 1, seed: 9"), "utf-8")
    found = run("experiment", file, "--quiet").out.splitlines()
    assert found[2] == "clouds, on blobs:60: 4 arms, 4 repeats each, seed 9."
    at = next(place for place, line in enumerate(found) if line.startswith("a.units  train.batch  "))
    assert [line[:20] for line in found[at + 2 : at + 6]] == [
        "      2            8",
        "      2           16",
        "     16            8",
        "     16           16",
    ]


def test_csv_and_json_hold_what_the_table_shows(run: Callable[..., Any], file: Path) -> None:
    rows = list(csv.DictReader(StringIO(run("experiment", file, "--format", "csv").out)))
    assert [(row["a.units"], row["measure"]) for row in rows[:2]] == [("2", "test.accuracy"), ("2", "train.loss")]
    document = json.loads(run("experiment", file, "--format", "json").out)
    assert next(iter(document)) == "schema_version"
    assert document["axes"] == ["a.units"] and document["warnings"] == [] and document["failed"] == []
    first = document["arms"][0]
    assert first["values"] == {"a.units": 2} and first["measures"]["params"]["mean"] == 15
    assert [each["seed"] for each in first["runs"]] == [0, 1, 2, 3]
    accuracies = [each["measures"]["test.accuracy"] for each in first["runs"]]
    assert first["measures"]["test.accuracy"]["mean"] == pytest.approx(sum(accuracies) / 4)
    assert float(rows[0]["mean"]) == first["measures"]["test.accuracy"]["mean"]
    assert document["comparisons"][0]["welch"].keys() == {"difference", "t", "df", "p", "low", "high"}
    assert document["comparisons"][0]["paired"].keys() == {"difference", "t", "df", "p", "low", "high"}
    assert document["comparisons"][0]["paired"]["df"] == 3
    assert document["chosen"] == {"by": "val.loss", "values": {"a.units": 6}}


def test_python_gives_the_same(run: Callable[..., Any], file: Path) -> None:
    assert backcalc.experiment(file).to_json() == json.loads(run("experiment", file, "--format", "json").out)
    entries = {"net": str(file.with_name("net.yaml")), "data": "blobs:60", "train": {"epochs": 5}, "measure": "params"}
    assert backcalc.experiment(entries).rows[0].runs[0].measures == {"params": 27}


def test_what_is_left_behind(run: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    found = run("experiment", file, "--run", folder, "--format", "json")
    assert found.status == 0
    assert found.err == f"kept in {folder}: results.csv, results.json, summary.csv, …\n"
    assert json.loads((folder / "results.json").read_text("utf-8")) == json.loads(found.out)
    runs = list(csv.DictReader(StringIO((folder / "results.csv").read_text("utf-8"))))
    assert len(runs) == 8 and runs[0].keys() == {
        "a.units",
        "repeat",
        "seed",
        "test.accuracy",
        "train.loss",
        "params",
        "dead",
        "val.loss",
    }
    pictures = {each.name for each in (folder / "plots").iterdir()}
    assert {"test.accuracy.png", "test.accuracy.svg", "curves-val_loss.svg"} <= pictures
    assert "mean ± standard deviation" in (folder / "plots" / "test.accuracy.svg").read_text("utf-8")
    again = run("experiment", file, "--resume", folder, "--format", "json")
    assert (again.status, again.out) == (0, found.out)
    second = run("experiment", file, "--run", folder)
    assert second.status == 2 and "holds a run already; go on with it by --resume" in second.err


def test_mistakes_are_told_on_standard_error(run: Callable[..., Any], file: Path) -> None:
    file.write_text(FILE.replace("choose: val.loss", "choose: test.accuracy"), encoding="utf-8")
    found = run("experiment", file)
    assert found.status == 0
    assert found.err.startswith("warning: the best arm is chosen by `test.accuracy`: ")
    assert run("experiment", file, "--quiet").err == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("repeats: 4", "repeat: 4", "clouds.yaml:6:1: error: unknown key `repeat` of the experiment"),
        ("net.yaml", "nets.yaml", "clouds.yaml:2:6: error: there is no file or built-in network `nets.yaml`"),
        ("blobs:60", "blob:60", "clouds.yaml:3:7: error: unknown data `blob:60`"),
        ("a.units:", "b.units:", "clouds.yaml:5:8: error: the net has no layer `b`"),
        ("test.accuracy,", "test.acuracy,", "clouds.yaml:7:11: error: unknown measure `test.acuracy`"),
        (FILE, "- 1", "expected an experiment with `net`, `data` and `measure`"),
        (FILE, "", "expected an experiment with `net`, `data` and `measure`"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    run: Callable[..., Any], file: Path, old: str, new: str, told: str
) -> None:
    file.write_text(FILE.replace(old, new), encoding="utf-8")
    found = run("experiment", file)
    assert (found.status, found.out) == (2, "")
    assert told in found.err and "Traceback" not in found.err


def test_a_wrong_net_is_told_in_its_own_file(run: Callable[..., Any], file: Path) -> None:
    file.with_name("net.yaml").write_text(NET.replace("units: 4", "unit: 4"), encoding="utf-8")
    found = run("experiment", file)
    assert found.status == 2 and "net.yaml:3:27: error: unknown key `unit` of `dense`" in found.err


def test_options_that_exclude_each_other(run: Callable[..., Any], file: Path) -> None:
    assert run("experiment", file, "--run", "a", "--resume", "b").status == 2
    assert run("experiment", file, "--jobs", 2, "--cluster", "tcp://127.0.0.1:1").status == 2


def test_how_far_it_is_and_what_is_left(run: Callable[..., Any], file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Status:
        def __init__(self, *given: object, **named: object) -> None: ...
        def __enter__(self) -> Any:
            return told.append

        def __exit__(self, *given: object) -> None: ...

    monkeypatch.setattr("backcalc.cli.common.busy", Status)
    assert run("experiment", file).status == 0
    lines = [line for line in told if line.startswith("experiment ━")]
    assert lines and "8 of 8 trainings" in lines[-1]
    assert any(" s left" in line for line in lines)
    assert busy_module.PATIENCE > 0


LONG = FILE.replace("epochs: 5", "epochs: 3000").replace("repeats: 4", "repeats: 2")


@pytest.mark.skipif(os.name != "posix", reason="an interrupt is sent as a signal of POSIX systems")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_leaves_what_can_be_gone_on_with(
    start: Callable[..., Any], run: Callable[..., Any], file: Path, tmp_path: Path, jobs: str
) -> None:
    file.write_text(LONG, encoding="utf-8")
    folder = tmp_path / "cut"
    process = start("experiment", file, "--run", folder, "--jobs", jobs)
    give_up = time.monotonic() + 60
    while not (folder / "settings.json").exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    told = err.decode()
    assert out == b"" and told.startswith(f"kept in {folder}; go on with --resume {folder}\n")
    assert told.endswith("interrupted\n") and "Traceback" not in told
    short = LONG.replace("epochs: 3000", "epochs: 3001")
    file.write_text(short, encoding="utf-8")
    other = run("experiment", file, "--resume", folder)
    assert other.status == 2 and "holds another experiment" in other.err


@pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files stands for a full disk")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_loses_nothing(
    start: Callable[..., Any], run: Callable[..., Any], file: Path, tmp_path: Path, jobs: int
) -> None:
    """The settings fit, the state of a task does not."""
    file.write_text(FILE.replace("[2, 6]", "[2, 300]"), encoding="utf-8")
    whole = run("experiment", file, "--format", "csv", "--quiet").out
    folder = tmp_path / "full"
    process = start("experiment", file, "--run", folder, "--jobs", jobs, "--quiet", limit=9_000)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    told = err.decode()
    assert "task-2.npz` could not be written: File too large; what was written before is whole" in told
    assert told.endswith("go on with the run by --resume\n") and "Traceback" not in told
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]
    again = run("experiment", file, "--resume", folder, "--format", "csv", "--quiet")
    assert (again.status, again.out) == (0, whole)


def test_standard_input(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"net: {{{', '.join(NET.strip().splitlines())}}}\n{FILE.split(chr(10), 2)[2]}"
    monkeypatch.setattr("backcalc.cli.experiment.read_stdin", lambda: text)
    found = run("experiment", "-", "--format", "csv")
    assert found.status == 0 and found.out.startswith("a.units,measure,n,lost,mean,sd")
