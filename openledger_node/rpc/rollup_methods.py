"""Where the rollup stands: `optimism_*` for existing tools, and our own names for the same."""

from genesis.types import Hash32
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.ports import RollupPort
from openledger_node.rpc.requests import Tag, block_number
from openledger_node.rpc.table import Table, optional, quick, reader, service


class RollupMethods:
    def __init__(self, context: RpcContext, rollup: RollupPort) -> None:
        self._context = context
        self._rollup = rollup

    def table(self) -> Table:
        sync_status = service(self._rollup.sync_status)
        return {
            "optimism_syncStatus": sync_status,
            "optimism_outputAtBlock": service(self._output_at_block, block_number),
            "optimism_safeHeadAtL1Block": service(self._rollup.safe_head_at_l1_block, parse.uint64),
            "optimism_rollupConfig": service(self._rollup.rollup_config),
            "optimism_version": quick(lambda: self._context.client_version),
            "openledger_syncStatus": sync_status,
            "openledger_getWithdrawalProof": service(self._withdrawal_proof, parse.hash32),
            "openledger_supply": reader(self._supply, optional(block_number, Tag.LATEST)),
        }

    async def _output_at_block(self, reference: Tag | int) -> Json:
        return await self._rollup.output_at_block(self._context.heads.number(reference))

    async def _withdrawal_proof(self, transaction_hash: Hash32) -> Json:
        return await self._rollup.withdrawal_proof(transaction_hash)

    def _supply(self, reference: Tag | int) -> Json:
        """The sum of all L2 balances at a block and where it came from, in wei."""
        header = self._context.heads.header(reference)
        supply = self._context.chain.supply(header.number)
        return {
            "blockNumber": quantity(header.number),
            "blockHash": data(header.hash),
            "genesis": quantity(supply.genesis_wei),
            "minted": quantity(supply.minted_wei),
            "burned": quantity(supply.burned_wei),
            "total": quantity(supply.total_wei),
        }
