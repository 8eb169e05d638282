"""What is here, what can run here, and what is lacking: quickly, and whatever the machine is like."""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path

import psutil
from packaging.specifiers import SpecifierSet

from lazyadam.suites.backends.own.environments import named
from lazyadam.suites.backends.own.interpreter import OLDEST
from lazyadam.suites.backends.peers import environment_of, python_of
from lazyadam.suites.backends.registry import BACKENDS, PEERS
from lazyadam.suites.backends.workers.start import NEEDED, ROOT
from lazyadam.suites.run.machine import all_threads, busy
from lazyadam.suites.telling.here import SUITE, install, requirement_of, version_of
from lazyadam.suites.telling.lines import columns, folded, shown

SECONDS = 2.0  # for all that is asked of other programs
CARDS = "nvidia-smi"
GIB = 2**30
LITTLE = 4 * GIB  # of memory: less, and several workers may not fit


def examined() -> Iterator[str]:
    """What is here, in lines: a part that can't be told is told so."""
    answers = _answers({CARDS: [CARDS, "--query-gpu=name", "--format=csv,noheader"], **_questions()})
    lacking = _lacking_devices(answers)
    parts: dict[str, Callable[[], Iterator[str]]] = {
        "suite": suite,
        "frameworks": frameworks,
        "other frameworks": peers,
        "devices": partial(devices, lacking),
        "machine": machine,
        "interpreters": partial(interpreters, answers),
        "what can run": partial(verdict, lacking),
    }
    for name, part in parts.items():
        try:
            yield from list(part())
        except Exception as error:
            yield from folded(f"{name}: can't be told ({type(error).__name__}: {error})")


def suite() -> Iterator[str]:
    """The suite and what it runs on."""
    wanted = _wanted_python()
    here = platform.python_version()
    fits = "" if here in SpecifierSet(wanted) else f", but wanted is {wanted}"
    yield f"{SUITE} {version_of(SUITE) or '(not installed)'} in {shown(ROOT)}"
    yield f"Python {here}{fits}, NumPy {version_of('numpy') or '(not installed)'}, {sys.executable}"


def _wanted_python() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.metadata(SUITE)["Requires-Python"] or ""
    return ""


def frameworks() -> Iterator[str]:
    """Those that the suite's own backends need."""
    yield "frameworks"
    for name in _frameworks():
        count = sum(backend.framework == name for backend in BACKENDS.values())
        wanted = requirement_of(name)
        if version := version_of(name):
            asked = SpecifierSet(wanted.removeprefix(name))
            beside = "" if asked.contains(version, prereleases=True) else f"; the suite is made for {wanted}"
            yield from folded(f"{version}: {count} backends{beside}", f"  {name:10} ")
        elif no_build := next(b.no_build() for b in BACKENDS.values() if b.framework == name):
            yield from folded(f"not installed: {count} backends can't run ({no_build})", f"  {name:10} ")
        else:
            yield f"  {name:10} not installed: {count} backends can't run. To install it:"
            yield f"             {install(wanted)}"


def _frameworks() -> list[str]:
    return list(dict.fromkeys(backend.framework for backend in BACKENDS.values()))


def peers() -> Iterator[str]:
    """Frameworks that have environments of their own: those that are there, and how to make the others."""
    names = sorted({environment_of(backend.spec) for backend in PEERS.values()})
    here = [name for name in names if Path(python_of(name)).exists()]
    lacking = [name for name in names if name not in here]
    yield from folded(f"in environments of their own: {', '.join(here) or 'none'}")
    if lacking:
        yield from folded(f"not made: {', '.join(lacking)}; lazyadam doctor --install {lacking[0]}")


def devices(lacking: dict[str, str]) -> Iterator[str]:
    """What there is to run on, and what each would need."""
    yield "devices"
    yield f"  {'cpu':10} here"
    for name, why in lacking.items():
        yield from folded(why or "here, as far as can be told without a framework", f"  {name:10} ")


def _lacking_devices(answers: dict[str, str]) -> dict[str, str]:
    """By device why nothing runs on it; '' where something may."""
    cards = answers[CARDS]
    driver = "needs an NVIDIA card and its driver (there is no nvidia-smi that names one)"
    build = _cuda_of_torch()
    ascend = bool(shutil.which("npu-smi") or list(Path("/dev").glob("davinci[0-9]*")))
    no_cuda = f"{cards}, but needs a torch built for CUDA: {build}" if build else ""
    return {
        "cuda": no_cuda if cards else driver,
        "gpu": "" if cards else driver,
        "ascend": "" if ascend else "needs an Ascend card, its driver and CANN (there is no npu-smi)",
    }


def _cuda_of_torch() -> str:
    """Why the torch here has no CUDA; '' where it has, as the file says that it would be asked for."""
    if not (version := version_of("torch")):
        return "torch is not installed"
    text = ""
    with suppress(metadata.PackageNotFoundError, OSError):
        text = Path(str(metadata.distribution("torch").locate_file("torch/version.py"))).read_text()
    return "" if re.search(r"^cuda\b.*=\s*'", text, re.MULTILINE) else f"{version} is not"


def machine() -> Iterator[str]:
    """Processors, load and memory."""
    threads, load = all_threads(), os.getloadavg()[0]
    more = "; busy: checks take longer, and times can't be told" if busy() else ""
    total, free = _memory()
    little = "; little: run on one process (-n 0)" if free < LITTLE else ""
    yield "machine"
    yield from folded(f"{threads}, load {load:.1f}{more}", f"  {'threads':10} ")
    yield from folded(
        f"{total / GIB:.1f} GiB, of which {free / GIB:.1f} are free{little}", f"  {'memory':10} "
    )
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    yield f"  {'compiler':10} {compiler or 'none (for an optimizer in C: cc, gcc or clang)'}"


def _memory() -> tuple[int, int]:
    """Bytes in all and free, as far as this process may have them."""
    seen = psutil.virtual_memory()
    total, free = int(seen.total), int(seen.available)
    with suppress(OSError, ValueError):
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{x}").read_text()) for x in ("max", "current"))
        total, free = min(total, limit), min(free, max(0, limit - used))
    return total, free


def interpreters(answers: dict[str, str]) -> Iterator[str]:
    """Other Pythons: a backend may run in one (spec), and a changed build lie in one."""
    found = {path: answer for path, answer in answers.items() if path != CARDS}
    yield "interpreters"
    rows: list[tuple[str, ...]] = []
    for path, answer in found.items():
        if answer:
            version, *lacks = answer.split()
            if tuple(map(int, version.split(".")[:2])) < OLDEST:
                continue
            rows.append((path, version, f"lacks {', '.join(lacks)}" if lacks else "a worker can run in it"))
    yield from columns(rows, "  ")
    if silent := [path for path, answer in found.items() if not answer]:
        yield from folded(f"no answer in {SECONDS:g} s, or none at all: {', '.join(silent)}", "  ", most=4)
    if not found:
        yield "  none on PATH"
    yield from columns([(name, path) for name, path in sorted(named().items())], "  --python ")


def _questions() -> dict[str, list[str]]:
    """What every interpreter on PATH is asked: its version, and what a worker would lack in it."""
    lacking = f"[m for m in {NEEDED} if not u.find_spec(m)]"
    asked = f"import sys, importlib.util as u; print(sys.version.split()[0], *{lacking})"
    return {path: [path, "-c", asked] for path in _pythons()}


def _pythons() -> list[str]:
    """python3.x on PATH, each once, and those of pyenv, whose shims are none."""
    seen: dict[tuple[Path, str], str] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    there = [Path(x or ".") for x in os.environ.get("PATH", "").split(os.pathsep)]
    for folder in [*(x for x in there if x != pyenv / "shims"), *sorted(pyenv.glob("versions/*/bin"))]:
        with suppress(OSError):
            for path in sorted(folder.glob("python3.*")):
                if re.fullmatch(r"python3\.\d+", path.name) and os.access(path, os.X_OK):
                    seen.setdefault((path.parent.resolve(), path.name), str(path))
    return [*seen.values()]


def _answers(commands: dict[str, list[str]]) -> dict[str, str]:
    """What programs print, side by side; '' where one is not there, fails, or takes its time."""
    started = {}
    for name, command in commands.items():
        with suppress(OSError):
            started[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,
            )
    answers, end = dict.fromkeys(commands, ""), time.monotonic() + SECONDS
    for name, process in started.items():
        try:
            answer, _ = process.communicate(timeout=max(0.01, end - time.monotonic()))
            answers[name] = "; ".join(answer.strip().splitlines()) if process.returncode == 0 else ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # a shim has started others, which hold the pipe
            process.communicate()
    return answers


def verdict(lacking_devices: dict[str, str]) -> Iterator[str]:
    """What can run here, and what can't."""
    there = [name for name in _frameworks() if version_of(name)]
    can = [f"{sum(b.framework == name for b in BACKENDS.values())} backends of {name}" for name in there]
    lacking = [name for name in _frameworks() if name not in there]
    yield ""
    yield from folded(
        f"{', '.join([*can, 'files of your own'])} (lazyadam check NAME or FILE.py)", "can run:   "
    )
    off = [*lacking, *(name for name, why in lacking_devices.items() if why)]
    if off:
        yield from folded(f"{', '.join(off)}: see above", "can't run: ")
