"""What is here, and files to start from: `doctor` and `init`."""
