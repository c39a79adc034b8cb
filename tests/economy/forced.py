"""Tests that send methods from the L1, each with the list of what it sends, so that nothing is left out."""

from collections.abc import Callable
from typing import Any

from genesis.policy import Policy
from tests.economy.forced_machine import ForcedMachine
from tests.precompiles.world import MachineType


def sends(*names: str, of: str = "Attribution") -> Callable[[Callable[[MachineType], None]], Any]:
    """A test that is given chains without a sequencer, and fails unless these methods succeed there.

    A name is one of the contract `of`, or `Contract.method`; the test keeps them as its `sends`.
    """
    wanted = frozenset(name if "." in name else f"{of}.{name}" for name in names)

    def decorate(test: Callable[[MachineType], None]) -> Any:
        def run() -> None:
            machines: list[ForcedMachine] = []

            def start(policy: Policy) -> ForcedMachine:
                machines.append(ForcedMachine(policy))
                return machines[-1]

            try:
                test(start)
            finally:
                for machine in machines:
                    machine.close()
            sent = {name for machine in machines for name in machine.sent}
            assert wanted <= sent, wanted - sent

        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        vars(run)["sends"] = wanted
        return run

    return decorate
