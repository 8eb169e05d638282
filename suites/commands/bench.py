"""Speed, and builds beside each other: `bench` and `builds`."""
