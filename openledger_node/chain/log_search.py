"""Which logs of the canonical chain match a query: bloom first, then the receipts."""

from collections.abc import Iterator

from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.records import FoundLog, LogQuery
from openledger_node.evm.receipts import bloom_may_hold
from openledger_node.evm.records import Block, Log


def find_logs(blocks: BlockStore, query: LogQuery) -> Iterator[FoundLog]:
    """In order of the chain; lazy."""
    for number, bloom in blocks.blooms(query.first_block):
        if number > query.last_block:
            return
        if not _bloom_matches(bloom, query):
            continue
        block_hash = blocks.canonical_hash(number)
        block = None if block_hash is None else blocks.block_by_hash(block_hash)
        if block is not None:
            yield from logs_in(block, query)


def logs_in(block: Block, query: LogQuery) -> Iterator[FoundLog]:
    """Matching logs of one block, whatever the query's range."""
    log_index = 0
    for transaction_index, receipt in enumerate(block.receipts):
        for log in receipt.logs:
            if matches(log, query):
                yield FoundLog(
                    log=log,
                    block_hash=block.header.hash,
                    block_number=block.header.number,
                    block_timestamp_s=block.header.timestamp_s,
                    transaction_hash=block.transactions[transaction_index].hash,
                    transaction_index=transaction_index,
                    log_index=log_index,
                )
            log_index += 1


def matches(log: Log, query: LogQuery) -> bool:
    if query.addresses and log.address not in query.addresses:
        return False
    if len(log.topics) < len(query.topics):
        return False
    return all(not wanted or topic in wanted for wanted, topic in zip(query.topics, log.topics, strict=False))


def _bloom_matches(bloom: bytes, query: LogQuery) -> bool:
    if query.addresses and not any(bloom_may_hold(bloom, address) for address in query.addresses):
        return False
    return all(not wanted or any(bloom_may_hold(bloom, topic) for topic in wanted) for wanted in query.topics)
