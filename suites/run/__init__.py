"""A run of pytest as a run of the suite: what it recorded is written, and told."""
