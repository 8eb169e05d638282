"""Files that are no trace, each refused in a line."""

import os
from pathlib import Path

import pytest

from lazyadam.suites.cases import trace
from lazyadam.suites.instrument.test_trace import refused

DEEP = 100_000
TEXTS = {
    "empty": (b"", "not JSON, or truncated"),
    "truncated": (b'{"format": "lazyadam-trace", "ver', "not JSON, or truncated"),
    "binary": (bytes(range(256)), "not JSON, or truncated"),
    "Latin-1": ('{"format": "é"}'.encode("latin-1"), "not JSON, or truncated"),
    "UTF-16": ('{"format": "lazyadam-trace"}'.encode("utf-16"), "not JSON, or truncated"),
    "nested deeply": (b"[" * DEEP, "nested too deeply"),
    "nested deeply in about": (b'{"about": ' * DEEP + b"1" + b"}" * DEEP, "nested too deeply"),
    "a list": (b"[]", "not a trace file"),
    "a number of too many digits": (b"1" * 5000, "a number of 5000 digits"),
    "NaN": (b'{"format": NaN}', "NaN is no JSON"),
    "Infinity": (b'{"format": -Infinity}', "-Infinity is no JSON"),
    "a key twice": (b'{"format": "lazyadam-trace", "t": 0, "t": 1}', "'t' is there twice"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_refuses_what_is_not_its_json(what: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    text, expected = TEXTS[what]
    path.write_bytes(text)
    assert expected in refused(path)


def test_refuses_what_is_no_file_and_waits_for_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, expected in {
        "none.json": "cannot be read (No such file",
        ".": "cannot be read (no regular file",
        "pipe": "cannot be read (no regular file",
        "loop": "cannot be read (",
        "x" * 300: "cannot be read (File name too long",
    }.items():
        assert expected in refused(tmp_path / name)
    with pytest.raises(trace.TraceError, match="no regular file"):
        trace.load(Path("/dev/zero"))
