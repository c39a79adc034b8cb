"""The Foundry helper puts every twin and the genesis storage in place.

Foundry's cheat codes are played here by a small precompile, since only `etch` and `store` are needed.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext

from genesis.contracts.compile import SOURCE_SETS, compile_sources
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from genesis.types import Address
from precompiles.genesis_storage import initial_storage
from tests.precompiles.artifacts import SOLIDITY, twin_code
from tests.precompiles.world import CALL_GAS, TIMELOCK, TWINS, RecordingState, execution_context

CHEATS = Address(keccak256(b"hevm cheat code")[12:])
HARNESS = Address(b"\x77" * 20)
HARNESS_SOURCE = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OpenLedgerEtch} from "../OpenLedgerEtch.sol";

contract Harness {
    function run(address timelock) external {
        OpenLedgerEtch.etch(OpenLedgerEtch.devParameters(), timelock);
    }
}
"""


def cheat(computation: Any) -> Any:
    """`etch(address,bytes)` and `store(address,bytes32,bytes32)`."""
    data = computation.msg.data_as_bytes
    target = Address(data[16:36])
    if data[:4] == keccak256(b"etch(address,bytes)")[:4]:
        size = int.from_bytes(data[68:100], "big")
        computation.state.set_code(target, data[100 : 100 + size])
    else:
        assert data[:4] == keccak256(b"store(address,bytes32,bytes32)")[:4]
        slot, value = int.from_bytes(data[36:68], "big"), int.from_bytes(data[68:100], "big")
        computation.state.set_storage(target, slot, value)
    return computation


class CheatingComputation(PragueComputation):  # type: ignore[misc] # py-evm's classes are untyped here
    """Prague with Foundry's cheat codes at their address."""

    _precompiles: ClassVar[dict[bytes, Any]] = {**PragueComputation._precompiles, CHEATS: cheat}


class CheatingState(RecordingState):
    """A state that runs them."""

    computation_class = CheatingComputation


def harness_code() -> bytes:
    """Compile the helper with a contract that calls it."""
    sources = SOURCE_SETS["precompiles"].sources()
    helper = SOLIDITY / "OpenLedgerEtch.sol"
    folder = Path("precompiles/solidity")
    sources[str(folder / helper.name)] = helper.read_text()
    sources[str(folder / "twins" / "Harness.sol")] = HARNESS_SOURCE
    fields = json.loads(compile_sources(sources)["Harness.json"])
    return bytes.fromhex(fields["deployedBytecode"])


@pytest.mark.slow
@pytest.mark.npm
def test_the_helper_puts_everything_in_place() -> None:
    state = CheatingState(AtomicDB(), execution_context(), BLANK_ROOT_HASH)
    state.set_code(HARNESS, harness_code())
    state.set_code(CHEATS, b"\x00")
    message = Message(
        gas=CALL_GAS,
        to=HARNESS,
        sender=TIMELOCK,
        value=0,
        data=keccak256(b"run(address)")[:4] + bytes(12) + TIMELOCK,
        code=state.get_code(HARNESS),
    )
    context = BaseTransactionContext(gas_price=0, origin=TIMELOCK)
    computation = CheatingComputation.apply_message(state, message, context)
    assert computation.is_success, computation.error
    for address, name in TWINS.items():
        assert state.get_code(address) == twin_code(name)
    storage = initial_storage(DEV_POLICY, TIMELOCK)
    assert {address for address, slots in state.slots_written.items() if slots} == set(storage)
    for address, words in storage.items():
        assert {slot: state.get_storage(address, slot) for slot in state.slots_written[address]} == words
