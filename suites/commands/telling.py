"""What a run found, told: `show`, `explain`, `replay` and `list`."""
