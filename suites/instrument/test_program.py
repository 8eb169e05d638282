"""An optimizer in any language: programs and libraries are judged as Python is; their mischief is told."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.class_file import DECLARED, LIBRARY, PROGRAM, of_file
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS, menu_of
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.judge.trial import Trial, judge

BACKENDS = ROOT / "suites" / "backends"
C, PERL = (BACKENDS / "examples" / name for name in ("lazy_adam.c", "lazy_adam.pl"))
PAGE = (BACKENDS / "PROGRAM.md").read_text()
SOURCE = C.read_text()


def compiled(text: str, folder: Path, *options: str) -> Path:
    (folder / "adam.c").write_text(text)
    subprocess.run(["cc", "-O2", *options, "-o", folder / "adam", folder / "adam.c", "-lm"], check=True)
    return folder / "adam"


def declared(kind: str, path: Path, folder: Path, more: str = "") -> type[Backend]:
    _, text = of_file(kind, path)
    (folder / "declared.py").write_text(text + more)
    (backend,) = select([], [folder / "declared.py"])
    return backend


def wrong(backend: type[Backend], clause: str) -> set[str]:
    """In which quantities a backend diverges under a clause; how it fails; nothing where it conforms."""
    dtype = backend.usual_dtype()
    cases = collect(menu_of(CLAUSES[clause], backend, dtype), dtype, BUDGETS["ci"].cases, 0)
    with Process(backend) as process:
        assert process.not_run is None
        seen = process.run(cases)
    if failures := {t.failure.kind for t in seen if t.failure}:
        return failures
    judged = judge(Trial(CLAUSES[clause], backend, cases, seen), Dialect())
    return {finding.quantity for finding in judged.divergences}


CLAUSES_OF_C = (
    "update-rule",
    "duplicates",
    "several-parameters",
    "learning-rate",
    "untouched-rows",
    "late-steps",
)


@pytest.mark.parametrize("clause", CLAUSES_OF_C)
@pytest.mark.parametrize("example", [C, pytest.param(PERL, marks=pytest.mark.slow)], ids=["C", "Perl"])
def test_the_examples_are_right(example: Path, clause: str, tmp_path: Path) -> None:
    program = compiled(SOURCE, tmp_path, "-Wall", "-Werror") if example is C else example
    assert wrong(declared(PROGRAM, program, tmp_path), clause) == set()


@pytest.mark.parametrize("example", [C, PERL], ids=["C", "Perl"])
def test_the_examples_take_an_afternoon(example: Path) -> None:
    assert len(example.read_text().splitlines()) <= 120


FAULTS = {
    "the last duplicate wins": ("] += values[k]", "] = values[k]", "duplicates", {"w", "m", "v"}),
    "ε inside the root": ("(sqrtf(p->v[i]) + eps)", "sqrtf(p->v[i] + eps)", "update-rule", {"w"}),
    "t + 1": ("pow(p->beta2, p->t)", "pow(p->beta2, p->t + 1)", "update-rule", {"w"}),
    "no bias correction": ("sqrt(1 - pow(p->beta2, p->t)) / (1", "1 / (1", "update-rule", {"w"}),
    "t doesn't count": ("p->t += !refused;", "", "update-rule", {"refuses", "t"}),
    "the rate stays": ("p[i].lr = number64();", "number64();", "learning-rate", {"w"}),
    "β1 of all groups": ("float b1 = p->beta1,", "float b1 = 0.9f,", "several-parameters", {"m"}),
    "untouched rows move": ("if (!named[i / p->width]) continue;", "", "untouched-rows", {"untouched w"}),
    "g for g²": ("o2 * g[i] * g[i]", "o2 * fabsf(g[i])", "update-rule", {"v"}),
    "state is not loaded": ("q->v = numbers(q->rows * q->width);", "q->v = numbers(q->rows * q->width), "
        "memset(q->m, 0, sizeof *q->m * q->rows * q->width);", "late-steps", {"m"}),
    "a row is forgotten": ("named[rows[k / p->width]] = 1;", "named[rows[0]] = 1;", "update-rule", {"m"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_in_c_is_red_where_it_is(fault: str, tmp_path: Path) -> None:
    sound, faulty, clause, shows = FAULTS[fault]
    assert SOURCE.count(sound) == 1
    found = wrong(declared(PROGRAM, compiled(SOURCE.replace(sound, faulty), tmp_path), tmp_path), clause)
    assert found & shows, found


ZEROS = "1" + " 00000000" * 3 * 24
MISCHIEF = {
    "it aborts": ("os.abort()", "dies", "has ended of SIGABRT in the middle of an answer"),
    "it ends": ("sys.exit(3)", "dies", "has ended with 3"),
    "it runs on": ("while True: pass", "hangs", "no answer in 1 s of processor time"),
    "it waits": ("time.sleep(99)", "hangs", "stood still for 1 s"),
    "half a line": ("print('1 3f80', end=''); sys.exit()", "dies", "in the middle of an answer: '1 3f80'"),
    "an endless line": ("while True: print('0' * 2**20, end='')", "refuses", "answers a line of more than"),
    "a gigabyte": ("for _ in range(512): os.write(1, b'1\\n' * 2**20)", "refuses", "0 numbers, not the 72"),
    "decimals": ("print('1' + ' 0.1' * 72, flush=True)", "refuses", "'0.1' (number 0) is no float32 in 8"),
    "too few numbers": ("print('1 00000000', flush=True)", "refuses", "1 numbers, not the 72 of w, m and v"),
    "no step count": ("print('oh dear', flush=True)", "refuses", "'oh dear', where a step count was due"),
    "its own refusal": ("print('refuse not today', flush=True)", "refuses", "ValueError: not today"),
    "two answers": (f"os.write(1, b'{ZEROS}\\n{ZEROS}\\n')", "refuses", "writes more than it was asked for"),
}  # fmt: skip


WAITED_FOR = ("it runs on", "it waits")
LATER = [pytest.param(x, marks=pytest.mark.slow if x in WAITED_FOR else ()) for x in MISCHIEF]


@pytest.mark.parametrize("what", LATER)
def test_mischief_is_a_verdict_in_a_line_and_the_next_case_is_sound(what: str, tmp_path: Path) -> None:
    act, kind, told = MISCHIEF[what]
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys, time\n"
        "for line in sys.stdin:\n"
        "    if line.startswith('lazyadam'): print('lazyadam 1 float32 sparse,dense', flush=True)\n"
        "    if line.startswith(('sparse', 'dense', 'none')):\n"
        f"        {act}\n"
    )
    program.chmod(0o755)
    backend = declared(PROGRAM, program, tmp_path, "    case_seconds = 1.0\n")
    with Process(backend) as process:
        process.run([sample()])
        (seen,) = process.run([sample()])
    assert seen.failure is not None
    assert seen.failure.kind == kind, seen.failure.message
    assert told in seen.failure.message
    assert seen.failure.message.isprintable()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#!/bin/sh\necho hello\n", "greets with 'hello', and not 'lazyadam 1"),
        (
            "#!/bin/sh\necho lazyadam 1 float128 sparse\n",
            "takes no type of float16, bfloat16, float32, float64",
        ),
        ("#!/bin/sh\necho lazyadam 1 float32 ragged\n", "takes no layout of sparse, dense"),
        ("#!/bin/sh\necho lazyadam 1 float64,float64 sparse\n", "names a type twice"),
        ("#!/bin/sh\nexit 5\n", "has ended with 5"),
        ("#!/bin/sh\r\nexit 5\n", "does not start: its lines end as on Windows"),
        ("#!/bin/sh\nsleep 1000 &\nexit 5\n", "has ended with 5"),
        pytest.param(
            "#!/bin/sh\nexec sleep 1000\n",
            "does not greet: does it flush what it writes?",
            marks=pytest.mark.slow,  # half a minute is waited for a greeting
        ),
        ("#!/bin/sh\necho no luck >&2\nexit 5\n", "it says: no luck"),
        ("#!/no/such/interpreter\n", "its first line names /no/such/interpreter, which is not there"),
    ],
)
def test_what_speaks_no_protocol_is_no_backend_and_a_line(text: str, told: str, tmp_path: Path) -> None:
    """What it starts ends with it."""
    program = tmp_path / "program"
    program.write_text(text)
    program.chmod(0o755)
    with pytest.raises(BrokenDeclaration) as caught:
        declared(PROGRAM, program, tmp_path)
    assert told in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_is_told_of_a_program_names_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / DECLARED).mkdir()
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(BrokenDeclaration) as caught:
        declared(PROGRAM, program, tmp_path / DECLARED)
    assert str(caught.value).startswith(f"{program} does not start: ")


@pytest.mark.skipif(shutil.which("perl") is None, reason="there is no Perl")
def test_a_folder_of_any_name_has_a_program(tmp_path: Path) -> None:
    folder = tmp_path / "a\\N{x}'\"{y}"
    folder.mkdir()
    program = shutil.copy(PERL, folder)
    with Process(declared(PROGRAM, Path(program), tmp_path)) as process:
        assert process.run([replace(sample(), dtype="float64")])[0].failure is None


def test_the_page_says_what_the_example_does_to_the_bit(tmp_path: Path) -> None:
    asked = "\n".join(re.findall(r"^→ (.*)$", PAGE, re.MULTILINE))
    due = re.findall(r"^← (.*)$", PAGE, re.MULTILINE)
    ran = subprocess.run(compiled(SOURCE, tmp_path), input=asked, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == due


FUNCTION = re.search(r"```c\n(int lazyadam_step_float32.*?);\n```", PAGE, re.DOTALL)
BODY = """
{
    for (int64_t k = 0; k < count * width; k++) {
        const int64_t i = rows[k / width] * width + k % width;
        if (rows[k / width] < 0 || rows[k / width] >= table_rows) return 1;
        m[i] = (float)beta1 * m[i] + (float)(1 - beta1) * values[k];
        v[i] = (float)beta2 * v[i] + (float)(1 - beta2) * values[k] * values[k];
        const float alpha = lr * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t));
        w[i] -= alpha * m[i] / (sqrtf(v[i]) + (float)epsilon);
    }
    return 0;
}
"""


def test_a_function_in_c_needs_no_protocol(tmp_path: Path) -> None:
    """This one is right where no row repeats, and wrong where one does."""
    assert FUNCTION is not None
    text = f"#include <math.h>\n#include <stdint.h>\n{FUNCTION[1]}{BODY}"
    library = compiled(text, tmp_path, "-shared", "-fPIC")
    backend = declared(LIBRARY, library, tmp_path)
    assert backend.dtypes == ("float32",)
    assert wrong(backend, "all-rows") == set()
    assert wrong(backend, "duplicates") >= {"w", "m", "v"}


def test_a_library_that_lacks_the_function_is_a_line(tmp_path: Path) -> None:
    library = compiled("int nothing;\n", tmp_path, "-shared", "-fPIC")
    with pytest.raises(
        BrokenDeclaration, match="has neither lazyadam_step_float32 nor lazyadam_step_float64"
    ):
        declared(LIBRARY, library, tmp_path)
