"""A section of the page, and of the guide for movers, about a recorded training."""

import shutil
from pathlib import Path

import pytest
import torch

from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.instrument.recorded import stepped


@pytest.mark.slow
def test_a_recorded_training_has_a_section_of_the_page_and_of_the_guide(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    stepped(tmp_path / "recorded", lambda p: torch.optim.SparseAdam(p, lr=0.1))
    assert lazyadam("page", "--out", tmp_path / "run").returncode == 0
    pages = [tmp_path / "run" / name for name in ("index.html", "migration.md")]
    assert not any("our training</h2>" in x.read_text() or "In your" in x.read_text() for x in pages)
    yours = tmp_path / "yours"
    made = lazyadam("page", "--out", tmp_path / "run", "--training", yours)
    assert (made.returncode, made.stderr.splitlines()[-1].count(str(yours))) == (2, 1)
    assert lazyadam("judge", tmp_path / "recorded", "--out", yours).returncode == 0
    assert lazyadam("page", "--out", tmp_path / "run", "--training", yours).returncode == 0
    page, guide = (x.read_text() for x in pages)
    assert '<h2 id="yours-h">Your training</h2>' in page
    assert "\n## In your training\n" in guide
    for text in page, guide:
        assert "Every recorded step of torch.SparseAdam" in text
        assert "batches repeat ids in" in text
        assert "by its own gradients" not in text
    assert (
        lazyadam("move", tmp_path / "recorded", "--axis", "duplicates=last", "--out", yours).returncode == 0
    )
    assert lazyadam("page", "--out", tmp_path / "run", "--training", yours).returncode == 0
    for text in (x.read_text() for x in pages):
        assert "0, with LazyAdam, duplicates=last: by the reference" in text
        assert "of it duplicates: last" in text
    (yours / "exposure.csv").unlink()
    made = lazyadam("page", "--out", tmp_path / "run", "--training", yours)
    assert made.returncode == 2
    assert "exposure.csv" in made.stderr.splitlines()[-1]
