"""The worst use of our own precompiles: the calls of a random economy, each timed on a cold state.

The economy is the one that drives precompiles and twins against each other in the tests: its calls go deep.
Covered besides: long texts, long malformed input. Not covered: a state of many gigabytes.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message

from benchmarks.precompiles.rare import Found
from genesis.account import GenesisAccount
from genesis.addresses import L1_BLOCK, PRECOMPILES, TREASURY
from genesis.contracts.artifact import read_artifact
from genesis.forks import Fork
from genesis.policy import Policy
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from openledger_node.chain.natives import native_precompiles
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.allocation import materialise
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.node_store import NodeStore, state_writes
from openledger_node.evm.records import Header
from openledger_node.storage.leveldb import LevelDb
from precompiles.genesis_storage import initial_storage
from precompiles.table import CONTRACTS
from precompiles.views import l1_block
from tests.precompiles.artifacts import PREDEPLOYS
from tests.precompiles.calls import UNIT, call
from tests.precompiles.economy import Economy
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.world import TIMELOCK, Call, Moment, Outcome, l1_block_word

_GAS = 10**9
_FRAME_GAS = 120
"""What a contract pays to make a call, its operands included: the frame is timed, so its gas counts."""
_STUB = bytes.fromhex("60006000fd")
_NO_METHOD = "unknown or malformed"


class _NoHeaders:
    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return None


@dataclass(frozen=True)
class Timed:
    """One call on a state nobody has read yet."""

    contract: str
    method: str
    gas_used: int
    seconds: float
    succeeded: bool

    @property
    def seconds_per_gas(self) -> float:
        return self.seconds / self.gas_used


class EngineMachine:
    """The engine's own frames as the economy's machine; remembers what each call took.

    `codes` are contracts besides; at a precompile's address they take its place. `repeats` of a call are
    timed, and the fastest counts.
    """

    def __init__(
        self,
        store: LevelDb,
        policy: Policy = TEST_POLICY,
        codes: Mapping[Address, bytes] = MappingProxyType({}),
        repeats: int = 3,
    ) -> None:
        self.moment = Moment()
        self.policy = policy
        self.timed: list[Timed] = []
        self._store = store
        self._repeats = repeats
        self._codes = dict.fromkeys(PRECOMPILES, _STUB) | dict(codes)
        self._natives = {
            address: native for address, native in native_precompiles().items() if address not in codes
        }
        words = initial_storage(policy, TIMELOCK)
        allocation = {
            address: GenesisAccount(nonce=1, code=code, storage=dict(words.get(address, {})))
            for address, code in self._codes.items()
        }
        ring = range(l1_block.RING_SLOT, l1_block.RING_SLOT + l1_block.RING_LENGTH)
        allocation[L1_BLOCK] = GenesisAccount(
            nonce=1,
            code=read_artifact(PREDEPLOYS, "L1Block").deployed_bytecode,
            storage={slot: l1_block_word(self.moment.timestamp_s, slot) for slot in ring},
        )
        self._genesis_root, writes = materialise(allocation)
        store.write(writes)
        self._root = self._genesis_root
        self._origin = 0

    def restore(self, found: Found) -> None:
        """The state and the moment a call was found in."""
        self.moment = found.moment
        self._root, self._origin = self._genesis_root, 0
        accounts = self._accounts()
        for address, slots in found.words.items():
            for slot, value in slots.items():
                accounts.set_storage(address, slot, value)
        for address, balance_wei in found.balances_wei.items():
            accounts.set_balance(address, balance_wei)
        accounts.end_transaction()
        self._keep(accounts)

    def _accounts(self) -> AccountState:
        """The state with nothing of it in memory."""
        return AccountState(NodeStore(self._store), self._root)

    def _keep(self, accounts: AccountState) -> None:
        nodes: dict[bytes, bytes] = {}
        codes: dict[Hash32, bytes] = {}
        self._root = accounts.make_root(nodes, codes)
        self._store.write(state_writes(nodes, codes))

    def balance(self, address: Address) -> int:
        return self._accounts().get_balance(address)

    def storage(self, address: Address) -> dict[int, int]:
        raise NotImplementedError("the economy does not ask for it")

    def fund(self, address: Address, amount_wei: int) -> None:
        accounts = self._accounts()
        accounts.set_balance(address, accounts.get_balance(address) + amount_wei)
        accounts.end_transaction()
        self._keep(accounts)

    def _follow_l1(self) -> None:
        """The L1's height at this moment, as the block's first transaction writes it."""
        origin = l1_block_word(self.moment.timestamp_s, l1_block.NUMBER_SLOT)
        if origin == self._origin:
            return
        self._origin = origin
        accounts = self._accounts()
        accounts.set_storage(L1_BLOCK, l1_block.NUMBER_SLOT, origin)
        accounts.end_transaction()
        self._keep(accounts)

    def call(self, call: Call) -> Outcome:
        self._follow_l1()
        best: float | None = None
        for _ in range(self._repeats):
            accounts = self._accounts()
            start = time.process_time()
            computation = self._run(accounts, call)
            nodes: dict[bytes, bytes] = {}
            accounts.end_transaction()
            accounts.make_root(nodes, {})
            seconds = time.process_time() - start
            best = seconds if best is None else min(best, seconds)
        assert best is not None
        gas_used = _GAS - computation.get_gas_remaining()
        contract, method = _names(call)
        self.timed.append(Timed(contract, method, gas_used + _FRAME_GAS, best, computation.is_success))
        accounts = self._accounts()
        computation = self._run(accounts, call)
        logs = tuple((log.address, log.topics, log.data) for log in accounts.logs)
        accounts.end_transaction()
        self._keep(accounts)
        return Outcome(
            computation.is_success, computation.output, logs if computation.is_success else (), gas_used
        )

    def _run(self, accounts: AccountState, call: Call) -> Any:
        context = BlockContext(
            chain_id=DEV_L2_CHAIN_ID,
            fork=Fork.PRAGUE,
            number=self.moment.block_number,
            parent_hash=ZERO_HASH,
            timestamp_s=self.moment.timestamp_s,
            coinbase=ZERO_ADDRESS,
            gas_limit=_GAS,
            base_fee_wei=0,
            prev_randao=ZERO_HASH,
            excess_blob_gas=0,
        )
        state = machine(accounts, context, _NoHeaders(), self._natives)
        message = Message(
            gas=_GAS,
            to=call.target,
            sender=call.sender,
            value=call.value_wei,
            data=call.data,
            code=self._codes.get(call.target, b""),
            is_static=call.is_static,
        )
        transaction = CancunTransactionContext(gas_price=0, origin=call.sender)
        return state.run(message, transaction)


def unreached(rare: Sequence[Found], timed: Iterable[Timed]) -> list[Found]:
    """The rare calls of methods that have not succeeded yet."""
    reached = {(each.contract, each.method) for each in timed if each.succeeded}
    return [found for found in rare if _names(found.call) not in reached]


def _names(call: Call) -> tuple[str, str]:
    """Contract and method; a contract that is no precompile has neither."""
    contract = CONTRACTS.get(call.target)
    if contract is None:
        return "", ""
    names = {method.selector: method.name for method in contract.methods}
    return contract.name, names.get(call.data[:4], _NO_METHOD)


def _long_calls(sender: Address) -> Iterator[Call]:
    """Texts and garbage as long as a block allows."""
    text = b"sha256:" + b"x" * 100_000
    datanets = next(address for address, contract in CONTRACTS.items() if contract.name == "DatanetRegistry")
    yield call(sender, datanets, "createDatanet", b"n", text, Hash32(b"\1" * 32), Hash32(b"\2" * 32), 0, 0)
    for address, contract in CONTRACTS.items():
        for method in contract.methods:
            yield Call(sender, address, method.selector + b"\xff" * 100_000)
            yield Call(sender, address, method.selector + b"\0" * 100_000)


def time_law(steps: int, rare: Sequence[Found], seed: int = 1) -> list[Timed]:
    """Every call of `steps` random ones, of the long ones, and of rare ones what did not succeed before."""
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDb.open(Path(folder) / "state")
        run_on = EngineMachine(store)
        economy = Economy(seed, run_on)
        for holder in (TIMELOCK, TREASURY, *(account.address for account in economy.accounts)):
            run_on.fund(holder, 1_000_000 * UNIT)
        for _ in range(steps):
            run_on.moment = economy.next_moment()
            economy.learn(run_on.call(economy.next_call()))
        for long_call in _long_calls(economy.accounts[0].address):
            run_on.call(long_call)
        for found in unreached(rare, run_on.timed):
            run_on.restore(found)
            run_on.call(found.call)
        store.close()
        return run_on.timed
