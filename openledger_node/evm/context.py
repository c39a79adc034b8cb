"""What a block tells the code that runs in it, as one record, and the machine set up with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth.vm.execution_context import ExecutionContext

from genesis.forks import Fork
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.ancestors import Ancestors, HeaderSource
from openledger_node.evm.blob_fees import blob_base_fee_wei as blob_base_fee_of
from openledger_node.evm.machines import MACHINES
from openledger_node.evm.precompile_host import NativePrecompile
from openledger_node.evm.vm import MachineState


@dataclass(frozen=True, slots=True)
class BlockContext:
    chain_id: int
    fork: Fork
    number: int
    parent_hash: Hash32
    timestamp_s: int
    coinbase: Address
    gas_limit: int
    base_fee_wei: int
    prev_randao: Hash32
    excess_blob_gas: int
    difficulty: int = 0

    @property
    def blob_base_fee_wei(self) -> int:
        return blob_base_fee_of(self.excess_blob_gas, self.fork)


def machine(
    accounts: AccountState,
    context: BlockContext,
    headers: HeaderSource,
    natives: Mapping[Address, NativePrecompile],
    blob_base_fee_wei: int | None = None,
) -> MachineState:
    """The machine that runs messages of this block on `accounts`; it may be given another blob base fee."""
    execution_context = ExecutionContext(
        coinbase=context.coinbase,
        timestamp=context.timestamp_s,
        block_number=context.number,
        difficulty=context.difficulty,
        mix_hash=context.prev_randao,
        gas_limit=context.gas_limit,
        prev_hashes=(),
        chain_id=context.chain_id,
        base_fee_per_gas=context.base_fee_wei,
        excess_blob_gas=context.excess_blob_gas,
    )
    return MachineState(
        accounts,
        execution_context,
        fork=context.fork,
        computation_class=MACHINES[context.fork],
        blob_base_fee_wei=context.blob_base_fee_wei if blob_base_fee_wei is None else blob_base_fee_wei,
        ancestors=Ancestors(headers, context.number - 1, context.parent_hash),
        natives=natives,
    )
