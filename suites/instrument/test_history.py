"""History: a change of version is told where it is more than what did not change shows, on one machine."""

from pathlib import Path

import pytest

from lazyadam.reports import page, views
from lazyadam.reports.history import across, runs_in, told
from lazyadam.reports.plots import speed
from lazyadam.reports.plots.drawing import styles
from lazyadam.reports.tables import TableError, frame, read, write
from lazyadam.suites.instrument.published import lazyadam

SIZES = [(1000 * 10**i, 16, 100, kind) for i in range(6) for kind in ("none", "zipf", "hot", "dense")]


def run(folder: Path, times: float, version: str = "1", noise: float = 1.05, machine: str = "one") -> Path:
    """A run in which ours takes so many times the floor, and another, of version 1, 3 × and some noise."""
    rows = [
        {
            **{"backend": name, "version": v, "device": "cpu", "dtype": "float32", "threads": 1},
            **dict(zip(("table_rows", "width", "touched_rows", "duplicates"), size, strict=True)),
            **{"seconds_median": multiple * 1e-6, "floor_multiple": multiple, "relative_to": "", "note": ""},
        }
        for i, size in enumerate(SIZES)
        for name, v, multiple in (
            ("mine.Adam", version, times),
            ("torch.SparseAdam", "1", 3.0 * (noise if i % 2 else 1)),
            ("floor.c", "1", 1.0),
            ("by_hand.c", "1", 1.5),
        )
    ]
    write(frame("performance", rows), folder / "performance.csv")
    (folder / "machine.txt").write_text(f"processor: {machine}\npython: 3.{len(str(folder))}\n")
    return folder


@pytest.mark.parametrize(
    ("times", "version", "noise", "machine", "word"),
    [
        (2.6, "2", 1.05, "one", "slower"),
        (1.6, "2", 1.05, "one", "faster"),
        (2.1, "2", 1.05, "one", "no change"),
        (2.6, "2", 1.5, "one", "no change"),  # what did not change changed by more
        (2.6, "1", 1.05, "one", "same version"),
        (2.6, "", 1.05, "one", "slower"),  # an own file: it may have changed
        (2.6, "2", 1.05, "another", "another machine"),
    ],
)
def test_a_change_is_told_where_it_is_no_chance(
    times: float, version: str, noise: float, machine: str, word: str, tmp_path: Path
) -> None:
    runs = [run(tmp_path / "a", 2.0, noise=1.0), run(tmp_path / "b", times, version, noise, machine)]
    table = across(runs)
    mine = table[table["backend"] == "mine.Adam"]
    assert set(mine[mine["run"] == 1]["told"]) == {"first"}
    assert set(mine[mine["run"] == 2]["told"]) == {word}
    assert len(views.went(table)) == len(SIZES) * (word in ("slower", "faster"))
    said = "\n".join(told(table, runs))
    assert ("- run 2: mine.Adam" in said) == (word in ("slower", "faster"))


def test_nothing_is_told_where_too_little_did_not_change(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a", 2.0), run(tmp_path / "b", 9.0, "2")]
    for folder in runs:
        table = read("performance", folder)
        write(table[table["backend"] == "mine.Adam"], folder / "performance.csv")
    assert set(across(runs)["told"]) == {"first", "can't tell"}


def test_runs_are_those_of_a_folder_by_name_and_are_drawn_to_the_next_machine(tmp_path: Path) -> None:
    runs = [
        run(tmp_path / "runs" / name, 2.0, machine=on) for name, on in (("1", "a"), ("2", "a"), ("3", "b"))
    ]
    (tmp_path / "runs" / "notes").mkdir()
    ran = lazyadam("history", tmp_path / "runs", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert "| 3 | 3 | 2 | by_hand 1, floor 1, mine 1, torch 1 |" in ran.stdout
    table = read("history", tmp_path)
    assert [*table.drop_duplicates("run")["machine"]] == [1, 1, 2]
    plot = speed.history(table, styles(table["backend"]))
    assert plot is not None
    assert len(plot.panels) == 6
    assert "another of 2 machines" in plot.about
    assert (tmp_path / "history.svg").read_text() == plot.whole()
    assert runs == runs_in([tmp_path / "runs"])


def test_the_page_shows_a_history_that_is_there(tmp_path: Path) -> None:
    table = across([run(tmp_path / "a", 2.0), run(tmp_path / "b", 2.6, "2")])
    tables = page.Tables(tmp_path, {"history": table}, {})
    assert {*page.plots_of(tables)["history"]} == {"runs"}


def test_a_run_of_another_version_of_the_suite_is_read_by_what_is_needed(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", 2.0)
    path = folder / "performance.csv"
    path.write_text(path.read_text().replace("peak_bytes", "megabytes", 1))
    assert len(across([folder])) == 4 * len(SIZES)
    path.write_text(path.read_text().replace("floor_multiple", "floor", 1))
    with pytest.raises(TableError, match="lacks column floor_multiple"):
        across([folder])


@pytest.mark.parametrize("kind", ["no machine", "no run"])
def test_a_history_of_nothing_is_a_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    if kind == "no machine":
        (run(tmp_path / "runs" / "1", 2.0) / "machine.txt").unlink()
    ran = lazyadam("history", tmp_path / "runs", f"--out={tmp_path / 'out'}")
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert (
        "machine.txt: not there" if kind == "no machine" else "no performance.csv; lazyadam bench"
    ) in line
    assert not (tmp_path / "out").exists()
