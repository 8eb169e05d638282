"""`python -m lazyadam.suites.commands`: the command where nothing is installed, from a checkout."""

import sys

from lazyadam.suites.commands import main

sys.argv[0] = "lazyadam"
main()
