"""What Otterscan asks, on a chain with creations, inner transfers, reverts and a self-destruction."""

from dataclasses import dataclass
from typing import Any

import pytest

from openledger_node.rpc.otterscan_traces import flattened, internal_operations
from tests.rpc.asking import Ask, init_code
from tests.rpc.running_node import KEYS, RunningNode, address_of

UNLOCKED = "0x" + address_of(KEYS[0]).hex()
NOBODY = "0x" + "ee" * 20
INNER = "77" * 20
# Passes its value on to INNER: call(gas, INNER, callvalue, 0, 0, 0, 0).
PASS_ON = f"0x60006000600060003473{INNER}5af100"
# Creates a contract without code: create(0, 0, 0).
FACTORY = "0x600060006000f000"
REVERT = "0x600b60005260206000fd"


@dataclass
class Story:
    pass_on: str
    factory: str
    revert: str
    sent: dict[str, str]


@pytest.fixture(scope="module")
def story(ask: Ask, node: RunningNode) -> Story:
    """Three contracts, then a call of each in a block of its own, then an empty block."""
    addresses, sent = [], {}
    for runtime in (PASS_ON, FACTORY, REVERT):
        made = ask("eth_sendTransaction", {"from": UNLOCKED, "data": init_code(runtime)})
        node.mine()
        addresses.append(ask("eth_getTransactionReceipt", made)["contractAddress"])
    for name, to in zip(("pass_on", "factory", "revert"), addresses, strict=True):
        call = {"from": UNLOCKED, "to": to, "value": "0x5", "gas": "0x186a0"}
        sent[name] = ask("eth_sendTransaction", call)
        node.mine()
    node.mine()
    pass_on, factory, revert = addresses
    return Story(pass_on, factory, revert, sent)


def test_level_and_code(ask: Ask, story: Story) -> None:
    assert ask("ots_getApiLevel") == 8
    assert ask("ots_hasCode", story.factory, "latest") is True
    assert ask("ots_hasCode", NOBODY) is False
    assert ask("ots_hasCode", story.factory, 0) is False
    assert ask("erigon_getHeaderByNumber", 0)["hash"] == ask("eth_getBlockByNumber", "0x0")["hash"]
    for wrong in (-1, True, 2**64, 1.5):
        assert ask("erigon_getHeaderByNumber", wrong)["code"] == -32602
    assert ask("ots_hasCode", story.factory, "0x0") is False


def test_block_details(ask: Ask, story: Story) -> None:
    receipt = ask("eth_getTransactionReceipt", story.sent["pass_on"])
    details = ask("ots_getBlockDetails", receipt["blockNumber"])
    assert details == ask("ots_getBlockDetailsByHash", receipt["blockHash"])
    assert details == ask("ots_getBlockDetails", int(receipt["blockNumber"], 16))
    assert details["block"]["transactionCount"] == 1
    assert details["block"]["logsBloom"] is None
    assert "transactions" not in details["block"]
    assert set(details["issuance"].values()) == {"0x0"}
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert int(details["totalFees"], 16) == paid
    assert ask("ots_getBlockDetails", "0xffffff") is None


def test_pages_of_a_block(ask: Ask, story: Story) -> None:
    number = ask("eth_getTransactionReceipt", story.sent["pass_on"])["blockNumber"]
    page = ask("ots_getBlockTransactions", number, 0, 10)
    (transaction,), (receipt,) = page["fullblock"]["transactions"], page["receipts"]
    assert transaction["hash"] == receipt["transactionHash"] == story.sent["pass_on"]
    assert (receipt["logs"], receipt["logsBloom"]) == (None, None)
    assert ask("ots_getBlockTransactions", number, 1, 10)["receipts"] == []
    (creation,) = ask("ots_getBlockTransactions", "0x1", 0, 1)["fullblock"]["transactions"]
    assert len(creation["input"]) == 10
    assert ask("ots_getBlockTransactions", number, 0, 1_000)["code"] == -32602
    assert ask("ots_getBlockTransactions", "0xffffff", 0, 1) is None


def test_errors_and_traces(ask: Ask, story: Story) -> None:
    assert ask("ots_getTransactionError", story.sent["pass_on"]) == "0x"
    assert int(ask("ots_getTransactionError", story.sent["revert"]), 16) == 11
    outer, inner = ask("ots_traceTransaction", story.sent["pass_on"])
    assert (outer["depth"], outer["from"], outer["to"], outer["value"]) == (0, UNLOCKED, story.pass_on, "0x5")
    assert (inner["depth"], inner["from"], inner["to"]) == (1, story.pass_on, "0x" + INNER)
    assert ask("ots_traceTransaction", "0x" + "00" * 32)["code"] == -32000


def test_internal_operations(ask: Ask, story: Story) -> None:
    (transfer,) = ask("ots_getInternalOperations", story.sent["pass_on"])
    assert transfer == {"type": 0, "from": story.pass_on, "to": "0x" + INNER, "value": "0x5"}
    (creation,) = ask("ots_getInternalOperations", story.sent["factory"])
    assert (creation["type"], creation["from"]) == (2, story.factory)
    assert ask("ots_getInternalOperations", story.sent["revert"]) == []


def test_a_contracts_creator_is_found(ask: Ask, story: Story) -> None:
    for address in (story.pass_on, story.revert):
        found = ask("ots_getContractCreator", address)
        assert found["creator"] == UNLOCKED
        assert ask("eth_getTransactionReceipt", found["hash"])["contractAddress"] == address
    assert ask("ots_getContractCreator", NOBODY) is None


def test_senders_and_nonces(ask: Ask, story: Story) -> None:
    for sent in story.sent.values():
        nonce = int(ask("eth_getTransactionByHash", sent)["nonce"], 16)
        assert ask("ots_getTransactionBySenderAndNonce", UNLOCKED, nonce) == sent
    assert ask("ots_getTransactionBySenderAndNonce", UNLOCKED, 1_000) is None
    assert ask("ots_getTransactionBySenderAndNonce", NOBODY, 0) is None


def hashes(page: Any) -> list[str]:
    return [item["hash"] for item in page["txs"]]


def test_an_account_is_found_wherever_it_takes_part(ask: Ask, story: Story) -> None:
    page = ask("ots_searchTransactionsBefore", "0x" + INNER, 0, 10)
    assert hashes(page) == [story.sent["pass_on"]]
    assert (page["firstPage"], page["lastPage"]) == (True, True)
    assert isinstance(page["receipts"][0]["timestamp"], int)
    everything = hashes(ask("ots_searchTransactionsBefore", UNLOCKED, 0, 100))
    assert everything[:3] == [story.sent["revert"], story.sent["factory"], story.sent["pass_on"]]
    assert hashes(ask("ots_searchTransactionsBefore", story.factory, 0, 5))[0] == story.sent["factory"]
    assert hashes(ask("ots_searchTransactionsBefore", NOBODY, 0, 5)) == []


def test_pages_follow_each_other_in_both_directions(ask: Ask, story: Story) -> None:
    everything = hashes(ask("ots_searchTransactionsBefore", UNLOCKED, 0, 100))
    down = [ask("ots_searchTransactionsBefore", UNLOCKED, 0, 2)]
    while not down[-1]["lastPage"]:
        number = int(down[-1]["txs"][-1]["blockNumber"], 16)
        down.append(ask("ots_searchTransactionsBefore", UNLOCKED, number, 2))
    assert [name for page in down for name in hashes(page)] == everything
    assert [page["firstPage"] for page in down] == [True] + [False] * (len(down) - 1)
    up = [ask("ots_searchTransactionsAfter", UNLOCKED, 0, 2)]
    while not up[-1]["firstPage"]:
        number = int(up[-1]["txs"][0]["blockNumber"], 16)
        up.append(ask("ots_searchTransactionsAfter", UNLOCKED, number, 2))
    assert [name for page in reversed(up) for name in hashes(page)] == everything
    assert [page["lastPage"] for page in up] == [True] + [False] * (len(up) - 1)
    assert ask("ots_searchTransactionsAfter", UNLOCKED, 0, 0)["code"] == -32602


def frame(kind: str, value: int = 0, *calls: Any, error: str = "") -> Any:
    made = {
        "type": kind,
        "from": "0x1",
        "to": "0x2",
        "value": hex(value),
        "input": "0x",
        "calls": list(calls),
    }
    return made | {"error": error} if error else made


def test_nothing_moves_in_a_call_that_failed() -> None:
    kept = frame("CALL", 1)
    lost = frame("CALL", 2, frame("CREATE2", 3), error="execution reverted")
    trace = frame("CALL", 9, lost, kept, frame("SELFDESTRUCT", 4), frame("STATICCALL"), frame("CALL"))
    assert [(item["type"], item["value"]) for item in internal_operations(trace)] == [(0, "0x1"), (1, "0x4")]
    assert [item["depth"] for item in flattened(trace)] == [0, 1, 2, 1, 1, 1, 1]
