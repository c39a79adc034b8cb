from genesis.types import Address
from openledger_node.chain.records import HeadChange, LogQuery
from openledger_node.rpc.feeds import Feeds, block_logs, logs_of_change
from tests.rpc.records import WATCHED, block, log, topic, transaction

ANY = LogQuery(0, 100)


def test_log_index_counts_over_the_block() -> None:
    made = block(5, [(transaction(1), [log(b"a"), log(b"b")]), (transaction(2), [log(b"c")])])
    found = list(block_logs(made, ANY))
    assert [(item.log.data, item.transaction_index, item.log_index) for item in found] == [
        (b"a", 0, 0),
        (b"b", 0, 1),
        (b"c", 1, 2),
    ]


def test_logs_match_by_address_and_topics() -> None:
    made = block(
        5, [(transaction(1), [log(b"a", 1, 2), log(b"b", 1), log(b"c", address=Address(bytes(20)))])]
    )

    def data(query: LogQuery) -> list[bytes]:
        return [item.log.data for item in block_logs(made, query)]

    one, two = frozenset([topic(1)]), frozenset([topic(2)])
    assert data(LogQuery(0, 9, addresses=frozenset([WATCHED]))) == [b"a", b"b"]
    assert data(LogQuery(0, 9, topics=(one,))) == [b"a", b"b"]
    assert data(LogQuery(0, 9, topics=(one, two))) == [b"a"]
    assert data(LogQuery(0, 9, topics=(frozenset(), two))) == [b"a"]
    assert data(LogQuery(0, 9, topics=(one, frozenset()))) == [b"a"]
    assert data(LogQuery(6, 9)) == []


def test_a_reorg_removes_backwards_then_adds_forwards() -> None:
    old = block(5, [(transaction(1), [log(b"x"), log(b"y")])])
    new = block(5, [(transaction(2), [log(b"z")])], salt=1)
    changed = list(logs_of_change(HeadChange(removed=(old,), added=(new,)), ANY))
    assert [(item.found.log.data, item.removed) for item in changed] == [
        (b"y", True),
        (b"x", True),
        (b"z", False),
    ]


def test_cancelled_listeners_hear_nothing() -> None:
    feeds = Feeds()
    heard: list[HeadChange] = []
    cancel = feeds.on_head_change(heard.append)
    change = HeadChange((), ())
    feeds.head_changed(change)
    cancel()
    cancel()
    feeds.head_changed(change)
    assert heard == [change]
