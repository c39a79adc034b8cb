"""Which logs a client wants: the filter of `eth_getLogs`, of filters and of subscriptions.

Source: execution-apis, Filter; go-ethereum for the limits.
"""

from dataclasses import dataclass

from genesis.types import Address, Hash32
from openledger_node.rpc import parse
from openledger_node.rpc.errors import InvalidParamsError
from openledger_node.rpc.requests import Tag, block_number

MAXIMUM_TOPICS = 4
MAXIMUM_ALTERNATIVES = 1_000


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs a client wants; None for a bound it left out. Either `block_hash` or a range."""

    first: Tag | int | None
    last: Tag | int | None
    block_hash: Hash32 | None
    addresses: frozenset[Address]
    topics: tuple[frozenset[Hash32], ...]


def log_filter(value: object) -> LogFilter:
    fields = parse.json_object(value)
    found = LogFilter(
        first=parse.field(fields, "fromBlock", block_number),
        last=parse.field(fields, "toBlock", block_number),
        block_hash=parse.field(fields, "blockHash", parse.hash32),
        addresses=parse.field(fields, "address", _addresses) or frozenset(),
        topics=parse.field(fields, "topics", _topics) or (),
    )
    if found.block_hash is not None and (found.first is not None or found.last is not None):
        raise InvalidParamsError(
            "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
        )
    return found


def _addresses(value: object) -> frozenset[Address]:
    if isinstance(value, list):
        return frozenset(parse.list_of(parse.address, most=MAXIMUM_ALTERNATIVES)(value))
    return frozenset([parse.address(value)])


def _topics(value: object) -> tuple[frozenset[Hash32], ...]:
    return tuple(parse.list_of(_topic, most=MAXIMUM_TOPICS)(value))


def _topic(value: object) -> frozenset[Hash32]:
    if value is None:
        return frozenset()
    if isinstance(value, list):
        alternatives = parse.list_of(lambda item: item, most=MAXIMUM_ALTERNATIVES)(value)
        if None in alternatives:
            return frozenset()
        return frozenset(parse.hash32(item) for item in alternatives)
    return frozenset([parse.hash32(value)])
