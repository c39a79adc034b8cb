"""The two machines that calls are run on: native precompiles over dictionaries, twins in py-evm.

Both have one call per step, at a time and height that the test sets, and answer with an `Outcome`.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from genesis.addresses import (
    ATTRIBUTION,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    L1_BLOCK,
    MODEL_REGISTRY,
    POLICY,
    PRECOMPILE_REGISTRY,
    PRECOMPILES,
    STAKING,
)
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Address, Hash32
from precompiles.contract import PrecompileRevertError
from precompiles.genesis_storage import initial_storage
from precompiles.host import OutOfGasError
from precompiles.table import run
from precompiles.views import l1_block
from tests.precompiles.artifacts import PREDEPLOYS, twin_code

LogEntry = tuple[Address, tuple[Hash32, ...], bytes]
TIMELOCK = Address(bytes.fromhex("1612000000000000000000000000000000000101"))
START_TIME_S = 1_800_000_000
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
PLENTY_OF_GAS = 10**12


@dataclass(frozen=True)
class Call:
    """One call to a precompile."""

    sender: Address
    target: Address
    data: bytes
    value_wei: int = 0
    is_static: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a call did. `data` is return data or revert data; None when it ended without any (out of gas)."""

    succeeded: bool
    data: bytes | None
    logs: tuple[LogEntry, ...] = ()
    gas_used: int = field(default=0, compare=False)


@dataclass
class Moment:
    """When the next call happens."""

    block_number: int = 1
    timestamp_s: int = START_TIME_S


FIRST_ORIGIN = 100_000
L1_BLOCK_TIME_S = 2


def origin_at(timestamp_s: int) -> int:
    """The L1 block that an L2 block of this time builds on."""
    return FIRST_ORIGIN + (timestamp_s - START_TIME_S) // L1_BLOCK_TIME_S


def l1_block_word(timestamp_s: int, slot: int) -> int:
    """A word of the L1Block predeploy at a time: the origin's number, or the randomness at a place of the
    ring."""
    if slot == l1_block.NUMBER_SLOT:
        return origin_at(timestamp_s)
    return int.from_bytes(keccak256(slot.to_bytes(32, "big")), "big")


class Machine(Protocol):
    """What both machines can do."""

    moment: Moment
    policy: Policy
    """The first version's parameters."""

    def call(self, call: Call) -> Outcome: ...
    def balance(self, address: Address) -> int: ...
    def fund(self, address: Address, amount_wei: int) -> None: ...
    def storage(self, address: Address) -> dict[int, int]: ...


MachineType = Callable[[Policy], Machine]


# --- Native -----------------------------------------------------------------------------------------------


class NativeMachine:
    """Native precompiles over dictionaries; a failed call leaves nothing behind."""

    def __init__(self, policy: Policy, chain_id: int = DEV_L2_CHAIN_ID) -> None:
        self.moment = Moment()
        self.policy = policy
        self.chain_id = chain_id
        self.last_host: MemoryHost | None = None
        self.balances: dict[Address, int] = {}
        self.words: dict[Address, dict[int, int]] = {address: {} for address in PRECOMPILES}
        for address, words in initial_storage(policy, TIMELOCK).items():
            self.words[address].update(words)

    def balance(self, address: Address) -> int:
        return self.balances.get(address, 0)

    def fund(self, address: Address, amount_wei: int) -> None:
        self.balances[address] = self.balance(address) + amount_wei

    def storage(self, address: Address) -> dict[int, int]:
        return {slot: value for slot, value in self.words[address].items() if value}

    def call(self, call: Call, gas_limit: int = PLENTY_OF_GAS) -> Outcome:
        host = self.last_host = MemoryHost(self, call, gas_limit)
        host.move(call.sender, call.target, call.value_wei)
        try:
            data = run(host, call.target, call.data)
        except PrecompileRevertError as revert:
            host.undo()
            return Outcome(False, revert.data, gas_used=host.gas_used)
        except OutOfGasError:
            host.undo()
            return Outcome(False, None, gas_used=gas_limit)
        return Outcome(True, data, tuple(host.logs), host.gas_used)


class MemoryHost:
    """One frame of the native machine; counts what it touches."""

    def __init__(self, machine: NativeMachine, call: Call, gas_limit: int) -> None:
        self._machine = machine
        self._call = call
        self._gas_limit = gas_limit
        self._undo: list[Callable[[], None]] = []
        self.gas_used = 0
        self.logs: list[LogEntry] = []
        self.touched = {"load": 0, "store": 0, "log": 0, "transfer": 0}

    @property
    def chain_id(self) -> int:
        return self._machine.chain_id

    @property
    def block_number(self) -> int:
        return self._machine.moment.block_number

    @property
    def timestamp_s(self) -> int:
        return self._machine.moment.timestamp_s

    @property
    def caller(self) -> Address:
        return self._call.sender

    @property
    def value_wei(self) -> int:
        return self._call.value_wei

    @property
    def is_static(self) -> bool:
        return self._call.is_static

    def charge_gas(self, amount: int, reason: str) -> None:
        assert amount >= 0
        assert not any(self.touched[effect] for effect in ("store", "log", "transfer")), "charged too late"
        if self.gas_used + amount > self._gas_limit:
            raise OutOfGasError(reason)
        self.gas_used += amount

    def load(self, address: Address, slot: int) -> int:
        assert 0 <= slot < 2**256
        self.touched["load"] += 1
        if address == L1_BLOCK:
            return l1_block_word(self.timestamp_s, slot)
        return self._machine.words[address].get(slot, 0)

    def store(self, slot: int, value: int) -> None:
        assert 0 <= slot < 2**256
        assert 0 <= value < 2**256
        assert not self.is_static
        self.touched["store"] += 1
        words = self._machine.words[self._call.target]
        old = words.get(slot, 0)
        self._undo.append(lambda: words.__setitem__(slot, old))
        words[slot] = value

    def log(self, topics: tuple[Hash32, ...], data: bytes) -> None:
        assert not self.is_static
        self.touched["log"] += 1
        self.logs.append((self._call.target, topics, data))

    def balance(self, address: Address) -> int:
        return self._machine.balance(address)

    def transfer(self, recipient: Address, amount_wei: int) -> None:
        self.touched["transfer"] += 1
        self.move(self._call.target, recipient, amount_wei)

    def recover(self, digest: Hash32, signature: bytes) -> Address | None:
        if len(signature) != 65 or signature[64] not in (27, 28):
            return None
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        if s > HALF_ORDER:
            return None
        try:
            key = Signature(vrs=(signature[64] - 27, r, s)).recover_public_key_from_msg_hash(digest)
        except (BadSignature, ValidationError):
            return None
        return Address(key.to_canonical_address())

    def move(self, source: Address, recipient: Address, amount_wei: int) -> None:
        """Move tokens; undone with the frame."""
        assert 0 <= amount_wei <= self._machine.balance(source)
        before = {each: self._machine.balance(each) for each in (source, recipient)}
        self._undo.append(lambda: self._machine.balances.update(before))
        self._machine.balances[source] = self._machine.balance(source) - amount_wei
        self._machine.balances[recipient] = self._machine.balance(recipient) + amount_wei

    def undo(self) -> None:
        """Take back everything the frame did."""
        for step in reversed(self._undo):
            step()
        self._undo.clear()


# --- Twins ------------------------------------------------------------------------------------------------

CALL_GAS = 2_000_000_000


def execution_context(moment: Moment | None = None, chain_id: int = DEV_L2_CHAIN_ID) -> ExecutionContext:
    """What the machine knows of its block."""
    moment = moment or Moment()
    return ExecutionContext(
        coinbase=bytes(20),
        timestamp=moment.timestamp_s,
        block_number=moment.block_number,
        difficulty=0,
        mix_hash=bytes(32),
        gas_limit=CALL_GAS,
        prev_hashes=(),
        chain_id=chain_id,
        base_fee_per_gas=0,
        excess_blob_gas=0,
    )


TWINS = {
    ATTRIBUTION: "AttributionTwin",
    DATANET_REGISTRY: "DatanetRegistryTwin",
    MODEL_REGISTRY: "ModelRegistryTwin",
    INFERENCE_METERING: "InferenceMeteringTwin",
    STAKING: "StakingTwin",
    POLICY: "PolicyTwin",
    PRECOMPILE_REGISTRY: "PrecompileRegistryTwin",
}


class RecordingState(PragueState):  # type: ignore[misc] # py-evm's classes are untyped here
    """A state that remembers which slots were ever written, so that whole storages can be compared."""

    def __init__(self, *arguments: Any) -> None:
        self.slots_written: defaultdict[Address, set[int]] = defaultdict(set)
        super().__init__(*arguments)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.slots_written[address].add(slot)
        super().set_storage(address, slot, value)

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        if address == L1_BLOCK:
            return l1_block_word(self.execution_context.timestamp, slot)
        value: int = super().get_storage(address, slot, from_journal)
        return value


class TwinMachine:
    """The twins' deployed code at the precompiles' addresses, in a plain Prague machine."""

    def __init__(self, policy: Policy, chain_id: int = DEV_L2_CHAIN_ID) -> None:
        self.moment = Moment()
        self.policy = policy
        self._chain_id = chain_id
        self._state = RecordingState(
            AtomicDB(), execution_context(self.moment, self._chain_id), BLANK_ROOT_HASH
        )
        for address, name in TWINS.items():
            self._state.set_code(address, twin_code(name))
        self._state.set_code(L1_BLOCK, read_artifact(PREDEPLOYS, "L1Block").deployed_bytecode)
        for address, words in initial_storage(policy, TIMELOCK).items():
            for slot, value in words.items():
                self._state.set_storage(address, slot, value)

    def balance(self, address: Address) -> int:
        balance: int = self._state.get_balance(address)
        return balance

    def fund(self, address: Address, amount_wei: int) -> None:
        self._state.set_balance(address, self.balance(address) + amount_wei)

    def storage(self, address: Address) -> dict[int, int]:
        written = self._state.slots_written[address]
        words = {slot: self._state.get_storage(address, slot) for slot in written}
        return {slot: value for slot, value in words.items() if value}

    def call(self, call: Call) -> Outcome:
        self._state.execution_context = execution_context(self.moment, self._chain_id)
        self._state.lock_changes()
        message = Message(
            gas=CALL_GAS,
            to=call.target,
            sender=call.sender,
            value=call.value_wei,
            data=call.data,
            code=self._state.get_code(call.target),
            is_static=call.is_static,
        )
        context = BaseTransactionContext(gas_price=0, origin=call.sender)
        computation = self._state.computation_class.apply_message(self._state, message, context)
        logs = tuple(
            (Address(address), tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics), data)
            for address, topics, data in computation.get_log_entries()
        )
        if computation.is_error and not isinstance(computation.error, Revert):
            return Outcome(False, None, gas_used=computation.get_gas_used())
        return Outcome(computation.is_success, computation.output, logs, computation.get_gas_used())
