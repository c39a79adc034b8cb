"""Predeploys with constructors: what their accounts are once those have run.

A genesis block has code and storage but runs no constructor. `python -m tests.contracts.construct` runs them
here, on a clock at zero, and writes the accounts they leave to `genesis/contracts/constructed`; a test
does it again and compares.
"""

import json
import sys
from collections.abc import Mapping

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_abi.abi import encode

from genesis.addresses import AGENT_REGISTRY, GOVERNANCE_TIMELOCK, GOVERNOR, PERMIT2, VOTES_TOKEN
from genesis.contracts.artifact import read_artifact
from genesis.predeploys import ARTIFACTS, CONSTRUCTED, GOVERNANCE, Governance
from genesis.types import Address
from tests.contracts.published import creations, permit2_code
from tests.precompiles.world import CALL_GAS, Moment, RecordingState, execution_context

DEPLOYER = Address(b"\xde" * 20)
Account = dict[str, object]


def constructed(governance: Governance) -> dict[str, Account]:
    """Nonce, code and storage by address of all accounts that the constructors leave."""
    state = _new_state()
    for address, name, types, values in (
        (VOTES_TOKEN, "OpenVotes", (), ()),
        (GOVERNANCE_TIMELOCK, "OpenTimelock", ("uint256",), (governance.timelock_delay_s,)),
        (
            GOVERNOR,
            "OpenGovernor",
            ("uint48", "uint32", "uint256", "uint256"),
            (
                governance.voting_delay_s,
                governance.voting_period_s,
                governance.proposal_threshold_wei,
                governance.minimum_quorum_wei,
            ),
        ),
        (AGENT_REGISTRY, "AgentRegistry", (), ()),
    ):
        _construct(state, address, read_artifact(ARTIFACTS, name).bytecode + encode(types, values))
    return _accounts(state)


def published() -> dict[str, Account]:
    """The same of contracts that others publish; none of them remembers the chain it was made on."""
    state = _new_state()
    for creation in creations():
        _construct(state, creation.address, creation.code)
    state.set_code(PERMIT2, permit2_code())
    state.set_nonce(PERMIT2, 1)
    return _accounts(state)


def _accounts(state: "ConstructingState") -> dict[str, Account]:
    return {f"0x{address.hex()}": _account(state, address) for address in sorted(set(state.created))}


def text(accounts: Mapping[str, Account]) -> str:
    """The file's text."""
    return json.dumps(accounts, indent=1, sort_keys=True) + "\n"


class ConstructingState(RecordingState):
    """A state that remembers which accounts were given code."""

    def __init__(self, *arguments: object) -> None:
        self.created: list[Address] = []
        super().__init__(*arguments)

    def set_code(self, address: Address, code: bytes) -> None:
        self.created.append(address)
        super().set_code(address, code)


def _new_state() -> ConstructingState:
    return ConstructingState(AtomicDB(), execution_context(Moment(1, 0), chain_id=1), BLANK_ROOT_HASH)


def _construct(state: RecordingState, address: Address, code: bytes) -> None:
    message = Message(
        gas=CALL_GAS, to=b"", sender=DEPLOYER, value=0, data=b"", code=code, create_address=address
    )
    context = BaseTransactionContext(gas_price=0, origin=DEPLOYER)
    computation = state.computation_class.apply_create_message(state, message, context)
    if computation.is_error:
        raise AssertionError(f"the constructor at 0x{address.hex()} failed: {computation.error}")


def _account(state: RecordingState, address: Address) -> Account:
    slots = sorted(state.slots_written[address])
    words = {slot: state.get_storage(address, slot) for slot in slots}
    return {
        "nonce": state.get_nonce(address),
        "code": state.get_code(address).hex(),
        "storage": {f"0x{slot:x}": f"0x{value:x}" for slot, value in words.items() if value},
    }


def main() -> int:
    CONSTRUCTED.mkdir(exist_ok=True)
    texts = {name: text(constructed(governance)) for name, governance in GOVERNANCE.items()}
    for name, fresh in (texts | {"published": text(published())}).items():
        path = CONSTRUCTED / f"{name}.json"
        changed = not path.exists() or path.read_text() != fresh
        path.write_text(fresh)
        print(f"{path}: {'changed' if changed else 'unchanged'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
