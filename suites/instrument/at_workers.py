"""What the tests of campaigns have workers do, in a module that these can import."""

import os

from distributed import get_worker

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.crew import Orders
from lazyadam.suites.campaign.unit import Result, Unit
from lazyadam.suites.conformance.sample import Sample


class Deadly(Unit):
    """A unit that ends whatever process does it."""

    def sample(self, backend: type[Backend], seed: int) -> Sample:
        os._exit(1)


def tell_who(unit: Unit, orders: Orders) -> Result:
    return {"by": get_worker().name}
