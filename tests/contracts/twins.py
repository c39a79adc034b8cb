"""An L2's genesis with the precompiles' twins at work, for contracts that talk to them."""

from dataclasses import replace
from typing import Any

from genesis.addresses import GOVERNANCE_TIMELOCK
from genesis.alloc import l2_allocation
from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Wei
from precompiles.genesis_storage import initial_storage
from tests.contracts.abi import Abi
from tests.contracts.machine import Contract, Machine, Outcome
from tests.contracts.rollup import ALICE, BOB
from tests.precompiles.artifacts import artifact, twin_code
from tests.precompiles.calls import calldata
from tests.precompiles.world import TWINS

CAROL = Address(b"\xca" * 20)
PEOPLE = (ALICE, BOB, CAROL)


def machine_with_twins() -> Machine:
    """Dev governance, dev policy, a thousand OPEN each for `PEOPLE`."""
    balances = {each: Wei(10_000 * OPEN_UNIT) for each in PEOPLE}
    accounts = l2_allocation(balances, initial_storage(DEV_POLICY, GOVERNANCE_TIMELOCK), "dev")
    for address, name in TWINS.items():
        accounts[address] = replace(accounts[address], code=twin_code(name))
    return Machine(accounts)


def precompile(machine: Machine, address: Address) -> Contract:
    """A precompile's twin by its interface."""
    name = TWINS[address].removesuffix("Twin")
    entries = (*artifact("I" + name).abi, *artifact("IPrecompileErrors").abi)
    return Contract(machine, address, Abi(entries))


def send(
    machine: Machine, sender: Address, target: Address, name: str, *arguments: Any, value: int = 0
) -> Outcome:
    """A precompile's method, arguments encoded as natively; must succeed."""
    outcome = machine.transact(sender, target, calldata(target, name, *arguments), value)
    assert outcome.ok, outcome.output
    return outcome
