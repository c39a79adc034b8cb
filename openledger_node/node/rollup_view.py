"""Where the rollup stands, as JSON-RPC shows it. Implements `openledger_node.rpc.ports.RollupPort`.

Source of shapes: OP Stack specification, rollup node RPC (`optimism_*`).
"""

from typing import Any

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.spec import BlockId, RollupConfig
from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.errors import UserError
from openledger_node.evm.records import Receipt
from openledger_node.node.l2_engine import ChainEngine, to_l2_block
from openledger_node.node.network_files import rollup_to_json
from openledger_node.node.safe_heads import SafeHeads
from rollup_bridge.derive.driver import DerivationDriver
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import L1Block, L2Reference, OutputParts
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import VERSION_0, output_root
from rollup_bridge.withdrawals.withdrawal import (
    Withdrawal,
    message_passer_slot,
    read_message_passed,
    withdrawal_hash,
)

Json = dict[str, Any]


class RollupView:
    """Reads chain, derivation and oracle; decides nothing."""

    def __init__(
        self,
        *,
        config: RollupConfig,
        chain: Chain,
        engine: ChainEngine,
        driver: DerivationDriver,
        oracle: OracleReader,
        safe_heads: SafeHeads,
    ) -> None:
        self._config = config
        self._chain = chain
        self._engine = engine
        self._driver = driver
        self._oracle = oracle
        self._safe_heads = safe_heads

    async def sync_status(self) -> Json:
        """See `openledger_node.rpc.ports.RollupPort`."""
        try:
            status = await self._driver.sync_status()
        except TemporaryError as error:
            raise UserError(f"sync status is not known yet: {error}") from error
        unsafe, safe = _l2(status.unsafe_l2), _l2(status.safe_l2)
        return {
            "current_l1": _l1(status.current_l1),
            "head_l1": _l1(status.head_l1),
            "safe_l1": _l1(status.safe_l1),
            "finalized_l1": _l1(status.finalized_l1),
            "unsafe_l2": unsafe,
            "safe_l2": safe,
            "finalized_l2": _l2(status.finalized_l2),
            # A chain without interoperation and without half-read spans has no others; tools ask for them.
            "pending_safe_l2": safe,
            "local_safe_l2": safe,
            "cross_unsafe_l2": unsafe,
        }

    async def output_at_block(self, number: int) -> Json:
        """See `openledger_node.rpc.ports.RollupPort`."""
        block = self._chain.block_by_number(number)
        if block is None:
            raise UserError(f"there is no block {number}")
        parts = await self._engine.output_parts(number)
        return {
            "version": _hex(VERSION_0),
            "outputRoot": _hex(output_root(parts)),
            "blockRef": _l2(reference(self._config, to_l2_block(block))),
            "withdrawalStorageRoot": _hex(parts.message_passer_storage_root),
            "stateRoot": _hex(parts.state_root),
            "syncStatus": await self.sync_status(),
        }

    async def safe_head_at_l1_block(self, number: int) -> Json:
        """See `openledger_node.rpc.ports.RollupPort`."""
        found = self._safe_heads.at(number)
        if found is None:
            raise UserError(f"no safe head is known for L1 block {number}")
        l1, safe = found
        return {"l1Block": _id(l1), "safeHead": _id(safe)}

    async def rollup_config(self) -> Json:
        return rollup_to_json(self._config)

    async def withdrawal_proof(self, transaction_hash: Hash32) -> Json:
        """See `openledger_node.rpc.ports.RollupPort`."""
        found = self._chain.find_transaction(transaction_hash)
        if found is None:
            raise UserError("no such transaction")
        withdrawal = _initiated(found.block.receipts[found.index])
        if withdrawal is None:
            raise UserError("the transaction initiated no withdrawal")
        try:
            index = await self._oracle.output_index_after(found.block.header.number)
            output = await self._oracle.output(index)
        except TransactionError:
            raise UserError(
                "no output that covers the withdrawal is proposed yet", "try again later"
            ) from None
        parts = await self._engine.output_parts(output.l2_number)
        slot = message_passer_slot(withdrawal_hash(withdrawal))
        nodes = await self._engine.message_passer_proof(slot, output.l2_number)
        return {
            "withdrawal": _withdrawal(withdrawal),
            "withdrawalHash": _hex(withdrawal_hash(withdrawal)),
            "l2OutputIndex": hex(index),
            "outputRootProof": _output_proof(parts),
            "withdrawalProof": [_hex(node) for node in nodes],
        }


def _initiated(receipt: Receipt) -> Withdrawal | None:
    for log in receipt.logs:
        if log.address == L2_TO_L1_MESSAGE_PASSER:
            return read_message_passed(log.address, log.topics, log.data)
    return None


def _withdrawal(withdrawal: Withdrawal) -> Json:
    return {
        "nonce": hex(withdrawal.nonce),
        "sender": _hex(withdrawal.sender),
        "target": _hex(withdrawal.target),
        "value": hex(withdrawal.value_wei),
        "gasLimit": hex(withdrawal.gas_limit),
        "data": _hex(withdrawal.data),
    }


def _output_proof(parts: OutputParts) -> Json:
    return {
        "version": _hex(VERSION_0),
        "stateRoot": _hex(parts.state_root),
        "messagePasserStorageRoot": _hex(parts.message_passer_storage_root),
        "latestBlockhash": _hex(parts.block_hash),
    }


def _l1(block: L1Block) -> Json:
    return {
        "hash": _hex(block.hash),
        "number": block.number,
        "parentHash": _hex(block.parent_hash),
        "timestamp": block.timestamp_s,
    }


def _l2(place: L2Reference) -> Json:
    return {
        "hash": _hex(place.hash),
        "number": place.number,
        "parentHash": _hex(place.parent_hash),
        "timestamp": place.timestamp_s,
        "l1origin": _id(place.l1_origin),
        "sequenceNumber": place.sequence_number,
    }


def _id(block: BlockId) -> Json:
    return {"hash": _hex(block.hash), "number": block.number}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
