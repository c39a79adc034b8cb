"""How blocks, calls and proofs are computed: the one facade over py-evm."""

from collections.abc import Mapping
from dataclasses import replace

from genesis.forks import Fork, ForkSchedule, schedule_of
from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.ancestors import HeaderSource
from openledger_node.evm.backends import assert_native_backends
from openledger_node.evm.blobs import Sidecar, check_sidecar, split_network_form
from openledger_node.evm.block_building import BlockExecution, Rules, inputs_of
from openledger_node.evm.block_size import check_size
from openledger_node.evm.blocks import RawBlock
from openledger_node.evm.calls import CallSite
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.header_rules import check_body, check_header
from openledger_node.evm.node_store import NodeStore, state_writes
from openledger_node.evm.overrides import Overrides, apply_overrides
from openledger_node.evm.precompile_host import NativePrecompile
from openledger_node.evm.proof_of_work import Rewards, rewards_of
from openledger_node.evm.records import Block, BlockInputs, ExecutedBlock, Header, Transaction
from openledger_node.evm.simulation import Simulated, simulate
from openledger_node.evm.simulation_plan import Plan
from openledger_node.evm.snapshot import Snapshot
from openledger_node.evm.step_witness import BlockSteps, StepResult, StepWitness, run_step
from openledger_node.evm.transactions import BLOB, decode_transaction
from openledger_node.storage.keyvalue import KeyValue

StateWrites = tuple[tuple[bytes, bytes], ...]


class Engine:
    """One chain's rules over one store. Reads may run in any thread; blocks are built on one."""

    def __init__(
        self,
        spec: ChainSpec,
        store: KeyValue,
        headers: HeaderSource,
        natives: Mapping[Address, NativePrecompile],
        schedule: ForkSchedule | None = None,
    ) -> None:
        """`natives` are the precompiles of a rollup, none elsewhere. Raises `StartError`."""
        assert_native_backends()
        self._schedule = schedule or schedule_of(spec)
        self.spec = spec
        self._rules = Rules(
            spec, self._schedule, NodeStore(store), headers, natives if spec.is_rollup else {}
        )

    def decode_transaction(self, raw: bytes) -> Transaction:
        """Decode and recover the sender. Raises `TransactionError` with geth's wording."""
        return decode_transaction(raw, self.spec.chain_id, impersonation=self._rules.impersonation)

    def allow_impersonation(self) -> None:
        """Take transactions without a key from now on; only for a chain that belongs to no L1 any more."""
        self._rules = replace(self._rules, impersonation=True)

    def decode_pooled(self, raw: bytes) -> tuple[Transaction, Sidecar | None]:
        """The same for a transaction on its way to a block: one with blobs brings them. Raises
        `TransactionError`."""
        canonical, sidecar = split_network_form(raw)
        transaction = self.decode_transaction(canonical)
        if transaction.type == BLOB and not self.spec.is_rollup:
            check_sidecar(transaction, sidecar)
        return transaction, sidecar

    @property
    def schedule(self) -> ForkSchedule:
        return self._schedule

    def fork_at(self, header: Header) -> Fork:
        """The fork whose rules made the block."""
        return self._schedule.at(header.timestamp_s, header.number)

    def rewards_of(self, block: Block) -> Rewards:
        """What the block pays for its work, besides fees."""
        return rewards_of(self.fork_at(block.header), block.header.number, block.ommers)

    def begin_block(
        self, parent: Header, inputs: BlockInputs, state_root: Hash32 | None = None
    ) -> BlockExecution:
        """An empty block on `parent`; `inputs.transactions` are left to the caller. `state_root` names the
        state to build on if it is not the parent's own."""
        return BlockExecution.open(self._rules, parent, state_root or parent.state_root, inputs)

    def execute_block(
        self, parent: Header, inputs: BlockInputs, state_root: Hash32 | None = None
    ) -> ExecutedBlock:
        """Raises `InvalidBlockError` if any transaction is invalid."""
        execution = self.begin_block(parent, inputs, state_root)
        for index, raw in enumerate(inputs.transactions):
            try:
                execution.add(raw)
            except TransactionError as error:
                raise InvalidBlockError(f"transaction {index} is invalid: {error.cause}") from error
        return execution.seal()

    def verify_block(self, parent: Header, raw: RawBlock) -> ExecutedBlock:
        """Execute a block made elsewhere and compare it with its header. Raises `InvalidBlockError`."""
        header = raw.header
        check_header(self.spec, self.fork_at(header), parent, header)
        check_size(raw, self.fork_at(header))
        check_body(raw)
        executed = self.execute_block(
            parent, inputs_of(header, raw.transactions, raw.withdrawals, raw.ommers)
        )
        if executed.block.header.hash != header.hash:
            raise InvalidBlockError(f"invalid header: {_difference(executed.block.header, header)}")
        return executed

    def steps(self, parent: Header, block: Block) -> BlockSteps:
        """A block of this chain, step by step; `parent`'s state must be in the store."""
        return BlockSteps(self._rules, parent, block)

    def run_step(self, witness: StepWitness, number: int) -> StepResult:
        """What a step makes of the state before it, by the witness alone. Raises `StepError`."""
        return run_step(self._rules, witness, number)

    def snapshot(self, header: Header, state_root: Hash32 | None = None) -> Snapshot:
        """State after `header`, or another state seen with its block context."""
        return Snapshot(CallSite(self._rules, self.fork_at(header), header, state_root or header.state_root))

    def simulate(
        self, base: Header, plan: Plan, state_root: Hash32 | None = None, *, time_limit_s: float
    ) -> list[Simulated]:
        """Run a series of blocks on the state after `base` and keep nothing of it. Raises `SimulationError`
        or `CallError`."""
        root = state_root or base.state_root
        return simulate(self._rules, base, root, plan, time_limit_s)

    def patched_state(self, state_root: Hash32, changes: Overrides) -> tuple[Hash32, StateWrites]:
        """A state with accounts changed outside of any block, and what to store to make it readable."""
        accounts = AccountState(self._rules.nodes, state_root)
        apply_overrides(accounts, changes)
        nodes: dict[bytes, bytes] = {}
        codes: dict[Hash32, bytes] = {}
        root = accounts.make_root(nodes, codes)
        return root, state_writes(nodes, codes)


def _difference(computed: Header, claimed: Header) -> str:
    """The first field that differs."""
    for name in Header.__slots__:
        if getattr(computed, name) != getattr(claimed, name):
            return f"{name} is {_shown(getattr(claimed, name))}, executed {_shown(getattr(computed, name))}"
    return "nothing differs"


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
