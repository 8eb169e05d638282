"""Reports from the tables of runs: page, pair, diff, gate, accept, versions, summary and junit."""
