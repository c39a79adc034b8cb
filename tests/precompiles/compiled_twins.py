"""The twins in this project's own frames: as the plain Prague machine, several times faster.

`TwinMachine` runs them on py-evm, which owes nothing to the node; long runs, which would take half an hour
there, take the node's interpreter. Short runs stay on py-evm.
"""

from collections import defaultdict
from collections.abc import Mapping

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message

from genesis.addresses import L1_BLOCK, PRECOMPILE_STUB_CODE
from genesis.contracts.artifact import read_artifact
from genesis.forks import Fork
from genesis.policy import Policy
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from openledger_node.chain.natives import native_precompiles
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.precompile_host import NativePrecompile
from openledger_node.evm.records import Header
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.genesis_storage import initial_storage
from tests.precompiles.artifacts import PREDEPLOYS, twin_code
from tests.precompiles.world import CALL_GAS, TIMELOCK, TWINS, Call, Moment, Outcome, l1_block_word


class _NoHeaders:
    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return None


class RecordingAccounts(AccountState):
    """Accounts in memory that remember which slots were ever written; L1Block's follow the time."""

    def __init__(self) -> None:
        super().__init__(NodeStore(MemoryKeyValue()), EMPTY_ROOT)
        self.slots_written: defaultdict[Address, set[int]] = defaultdict(set)
        self.timestamp_s = 0

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.slots_written[address].add(slot)
        super().set_storage(address, slot, value)

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        if address == L1_BLOCK:
            return l1_block_word(self.timestamp_s, slot)
        return super().get_storage(address, slot, from_journal)


class CompiledTwinMachine:
    """The twins' deployed code at the precompiles' addresses, in the node's own Prague frames."""

    natives: Mapping[Address, NativePrecompile] = {}

    def __init__(self, policy: Policy, chain_id: int = DEV_L2_CHAIN_ID) -> None:
        self.moment = Moment()
        self.policy = policy
        self._chain_id = chain_id
        self._accounts = RecordingAccounts()
        for address, name in TWINS.items():
            self._accounts.set_code(address, self._code(name))
        self._accounts.set_code(L1_BLOCK, read_artifact(PREDEPLOYS, "L1Block").deployed_bytecode)
        for address, words in initial_storage(policy, TIMELOCK).items():
            for slot, value in words.items():
                self._accounts.set_storage(address, slot, value)
        self._accounts.end_transaction()

    def give_code(self, address: Address, code: bytes) -> None:
        """Put code at an account; what it holds stays."""
        self._accounts.set_code(address, code)
        self._accounts.end_transaction()

    def written(self, address: Address) -> set[int]:
        """The slots that code at an address ever wrote."""
        return self._accounts.slots_written[address]

    def balance(self, address: Address) -> int:
        return self._accounts.get_balance(address)

    def fund(self, address: Address, amount_wei: int) -> None:
        self._accounts.set_balance(address, self.balance(address) + amount_wei)

    def storage(self, address: Address) -> dict[int, int]:
        written = self._accounts.slots_written[address]
        words = {slot: self._accounts.get_storage(address, slot) for slot in written}
        return {slot: value for slot, value in words.items() if value}

    def call(self, call: Call) -> Outcome:
        accounts = self._accounts
        accounts.timestamp_s = self.moment.timestamp_s
        state = machine(accounts, self._block(), _NoHeaders(), self.natives)
        message = Message(
            gas=CALL_GAS,
            to=call.target,
            sender=call.sender,
            value=call.value_wei,
            data=call.data,
            code=accounts.get_code(call.target),
            is_static=call.is_static,
        )
        frame = state.run(message, CancunTransactionContext(gas_price=0, origin=call.sender))
        logs = tuple((log.address, log.topics, log.data) for log in accounts.logs)
        succeeded, gas_used = frame.is_success, CALL_GAS - frame.get_gas_remaining()
        accounts.end_transaction()
        if not succeeded and gas_used == CALL_GAS:
            return Outcome(False, None, gas_used=gas_used)
        return Outcome(succeeded, frame.output, logs if succeeded else (), gas_used)

    def _code(self, name: str) -> bytes:
        return twin_code(name)

    def _block(self) -> BlockContext:
        return BlockContext(
            chain_id=self._chain_id,
            fork=Fork.PRAGUE,
            number=self.moment.block_number,
            parent_hash=ZERO_HASH,
            timestamp_s=self.moment.timestamp_s,
            coinbase=ZERO_ADDRESS,
            gas_limit=CALL_GAS,
            base_fee_wei=0,
            prev_randao=ZERO_HASH,
            excess_blob_gas=0,
        )


class NativeFrameMachine(CompiledTwinMachine):
    """The native precompiles in the same frames, where accounts have code too."""

    natives = native_precompiles()

    def _code(self, name: str) -> bytes:
        return PRECOMPILE_STUB_CODE
