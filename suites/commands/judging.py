"""Judging backends: `check` and `report`."""
