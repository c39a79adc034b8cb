import pytest

from openledger_node.chain.records import HeadChange, LogQuery
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.filters import EXPIRY_S, Filters
from openledger_node.rpc.log_filter import LogFilter
from tests.rpc.records import block, log, transaction

EVERYTHING = LogFilter(None, None, None, frozenset(), ())


class Bench:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.feeds = Feeds()
        self.filters = Filters(self.feeds, lambda: self.now_s)


def test_each_kind_collects_until_polled() -> None:
    bench = Bench()
    blocks = bench.filters.new_block_filter()
    pending = bench.filters.new_pending_filter(full=False)
    logs = bench.filters.new_log_filter(EVERYTHING, LogQuery(0, 10))
    made = block(5, [(transaction(1), [log(b"x")])])
    bench.feeds.head_changed(HeadChange((), (made,)))
    bench.feeds.pending_added(transaction(2))
    assert bench.filters.changes(blocks) == ["0x" + made.header.hash.hex()]
    assert bench.filters.changes(pending) == ["0x" + transaction(2).hash.hex()]
    assert [item["data"] for item in bench.filters.changes(logs)] == ["0x78"]
    assert bench.filters.changes(logs) == []


def test_forgotten_filters_expire() -> None:
    bench = Bench()
    old = bench.filters.new_block_filter()
    bench.now_s = EXPIRY_S / 2
    polled = bench.filters.new_block_filter()
    bench.now_s = EXPIRY_S + 1
    bench.filters.new_block_filter()
    with pytest.raises(ServerError, match="filter not found"):
        bench.filters.changes(old)
    assert bench.filters.changes(polled) == []


def test_a_filter_is_uninstalled_once() -> None:
    bench = Bench()
    identity = bench.filters.new_block_filter()
    assert bench.filters.uninstall(identity)
    assert not bench.filters.uninstall(identity)
    assert not bench.filters.uninstall("0x1")
