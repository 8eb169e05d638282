"""What is known here, and what a run found, told in lines of a terminal."""
