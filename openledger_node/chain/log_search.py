"""Which logs of the canonical chain match a query: bloom first, then the receipts."""

from collections.abc import Callable, Iterator

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
    matches = matcher(query)
    for transaction_index, receipt in enumerate(block.receipts):
        for log in receipt.logs:
            if matches(log):
                yield FoundLog.of(block, transaction_index, log_index, log)
            log_index += 1


def matcher(query: LogQuery) -> Callable[[Log], bool]:
    """Whether a log matches, worked out once for the thousands a block may have."""
    addresses, least_topics = query.addresses, len(query.topics)
    chosen = [(position, wanted) for position, wanted in enumerate(query.topics) if wanted]

    def matches(log: Log) -> bool:
        if addresses and log.address not in addresses:
            return False
        topics = log.topics
        if len(topics) < least_topics:
            return False
        for position, wanted in chosen:  # noqa: SIM110 - a generator for each log takes most of the time
            if topics[position] not in wanted:
                return False
        return True

    return matches


def _bloom_matches(bloom: bytes, query: LogQuery) -> bool:
    if query.addresses and not any(bloom_may_hold(bloom, address) for address in query.addresses):
        return False
    return all(not wanted or any(bloom_may_hold(bloom, topic) for topic in wanted) for wanted in query.topics)
