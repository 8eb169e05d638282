"""Cases that are kept are the cases that would be generated, and losing them loses nothing."""

import os
import pickle
import zlib
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases import corpus
from lazyadam.suites.cases.case import Case, Gradient
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, generated
from lazyadam.suites.clauses import CLAUSES

MENU = Menu()
ASKED = (MENU, "float32", 3, 1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    return tmp_path / "lazyadam"


def forget() -> None:
    """As in another process."""
    for cached in (corpus._collected, corpus._generator, corpus._make_room):
        cached.cache_clear()


def digests(cases: list[Case] | tuple[Case, ...]) -> list[str]:
    return [case.digest for case in cases]


@pytest.mark.parametrize(("clause", "dtype"), list(zip(CLAUSES, cycle(PRECISIONS), strict=False)))
def test_what_is_kept_is_what_would_be_generated(clause: str, dtype: str) -> None:
    everywhere = (b.on(device) for b in BACKENDS.values() for device in b.devices)
    backend = next(b for b in everywhere if not CLAUSES[clause].missing(b))
    asked = (CLAUSES[clause].menu(backend), dtype, 1 if CLAUSES[clause].free else 3, 0)
    first = collect(*asked)
    forget()
    again = collect(*asked)
    assert first[0] is not again[0]
    assert digests(first) == digests(again) == digests(generated(*asked))


def test_kept_arrays_are_float64_and_may_be_written(cache: Path) -> None:
    collect(*ASKED)
    forget()
    (case, *_) = collect(*ASKED)
    arrays = [x for p in case.parameters for x in (p.w, p.m, p.v)]
    gradients = [g for step in case.steps for g in step.gradients if isinstance(g, Gradient)]
    assert all(x.dtype == np.float64 and x.flags.writeable for x in arrays + [g.values for g in gradients])
    assert all(g.rows is not None and g.rows.dtype == np.int64 for g in gradients)


def of(content: object, name: str) -> bytes:
    """What a file of this name would be that keeps this content."""
    packed = zlib.compress(pickle.dumps(content))
    return corpus._digest(name, packed) + b"\n" + packed


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trap",)


BROKEN: dict[str, Callable[[bytes, str], bytes]] = {
    "empty": lambda whole, name: b"",
    "no digest": lambda whole, name: b"no digest",
    "cut": lambda whole, name: whole[:-9],
    "a bit": lambda whole, name: whole[:-1] + bytes([whole[-1] ^ 1]),
    "a text": lambda whole, name: of("x", name),
    "no case": lambda whole, name: of((), name),
    "no cases": lambda whole, name: of((1, 2), name),
    "code": lambda whole, name: of(Trap(), name),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_kept_file_that_is_not_whole_is_made_anew(
    kind: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digests(collect(*ASKED))
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    monkeypatch.chdir(cache.parent)
    file.write_bytes(BROKEN[kind](whole, file.stem))
    forget()
    assert digests(collect(*ASKED)) == expected
    assert file.read_bytes() == whole
    assert not Path("trap").exists()


def test_cases_that_are_kept_for_something_else_are_not_taken(cache: Path) -> None:
    expected = digests(collect(*ASKED))
    (file,) = cache.iterdir()
    collect(MENU, "float32", 3, 2)
    (other,) = {*cache.iterdir()} - {file}
    file.write_bytes(other.read_bytes())
    forget()
    assert digests(collect(*ASKED)) == expected


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a huge file", "a link to nowhere"])
def test_what_is_no_file_to_read_is_not_read(kind: str, cache: Path) -> None:
    expected = digests(collect(*ASKED))
    (file,) = cache.iterdir()
    file.unlink()
    if kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a folder":
        file.mkdir()
    elif kind == "a huge file":
        file.touch()
        os.truncate(file, 2**42)
    else:
        file.symlink_to("/nowhere/at/all")
    forget()
    assert digests(collect(*ASKED)) == expected


def test_other_versions_and_sources_are_other_cases(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collect(*ASKED)
    monkeypatch.setattr(hypothesis, "__version__", "0")
    forget()
    collect(*ASKED)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("folder", ["/dev/null", "relative"])
def test_without_a_folder_cases_are_generated(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    assert digests(collect(*ASKED)) == digests(generated(*ASKED))
    assert not list(tmp_path.iterdir())


def test_cases_of_larger_profiles_are_not_kept(cache: Path) -> None:
    collect(MENU, "float32", corpus.MOST + 1, 1)
    assert not cache.exists()


def test_what_is_read_counts_as_used(cache: Path) -> None:
    collect(*ASKED)
    (file,) = cache.iterdir()
    os.utime(file, (1e9, 1e9))
    forget()
    collect(*ASKED)
    assert file.stat().st_mtime > 1e9


def test_what_was_not_used_for_longest_goes_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        collect(MENU, "float32", 3, seed)
    files = sorted(cache.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    for age, file in zip((3, 1, 2), files, strict=True):
        os.utime(file, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(corpus, "LIMIT", 2 * files[0].stat().st_size + 100)
    (cache / "old.cases").symlink_to("/nowhere/at/all")
    forget()
    collect(MENU, "float32", 3, 9)
    left = set(cache.iterdir())
    assert files[0] not in left
    assert files[2] not in left
    assert len(left) < 5
