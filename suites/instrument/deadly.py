"""A unit of a campaign that ends whatever process does it; in a module that workers can import."""

import os

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.unit import Unit
from lazyadam.suites.conformance.sample import Sample


class Deadly(Unit):
    def sample(self, backend: type[Backend], seed: int) -> Sample:
        os._exit(1)
