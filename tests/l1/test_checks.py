"""A block of a real L1 with transactions of every type: what is true is taken, anything changed is not."""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from eth_account import Account

from genesis.types import Address, Hash32
from openledger_node.l1.checks import check_header, check_receipts, checked_transactions
from openledger_node.l1.client import L1Client
from openledger_node.l1.decoding import octets
from openledger_node.l1.errors import L1UnavailableError
from openledger_node.l1.signers import LocalSigner
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.ports import UnsignedTransaction
from tests.clients.programs import anvil, require_npm
from tests.integration.services import ask
from tests.l1.server import FakeNode, running
from tests.rollup_bridge.fakes import FakeClock

pytestmark = pytest.mark.npm

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
SENDER = Account.from_key(KEY)
TARGET = Address(b"\x11" * 20)
Recorded = tuple[str, dict[str, Any], list[dict[str, Any]]]
CREATION = bytes.fromhex("600160206000a1" + "00")
"""Logs 32 bytes under topic 1 and leaves no code."""


def transactions() -> Iterator[dict[str, Any]]:
    """One of each type that eth-account signs by itself; the first one creates a contract that logs."""
    common = {"value": 0, "gas": 100_000, "chainId": 31337}
    access = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32]}]
    fees = {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    authorization = SENDER.sign_authorization({"chainId": 31337, "address": "0x" + "44" * 20, "nonce": 99})
    yield {**common, **fees, "data": CREATION}
    yield {**common, "gasPrice": 10**10, "to": b"\x11" * 20}
    yield {**common, "gasPrice": 10**10, "to": b"\x11" * 20, "accessList": access}
    yield {**common, **fees, "to": b"\x11" * 20, "accessList": access, "data": b"\x00\x01"}
    yield {**common, **fees, "to": b"\x11" * 20, "authorizationList": [authorization], "value": 5}


@pytest.fixture(scope="module")
def anvil_url() -> Iterator[str]:
    require_npm()
    with anvil("--chain-id", "31337", "--no-mining") as url:
        yield url


@pytest.fixture(scope="module")
def recorded(anvil_url: str) -> Recorded:
    """(URL, block with transactions, receipts)"""
    for nonce, fields in enumerate(transactions()):
        signed = SENDER.sign_transaction({**fields, "nonce": nonce})
        assert ask(anvil_url, "eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
    ask(anvil_url, "evm_mine")
    block = ask(anvil_url, "eth_getBlockByNumber", "latest", True)
    return anvil_url, block, ask(anvil_url, "eth_getBlockReceipts", block["number"])


async def test_a_blob_transaction_is_taken_from_an_anvil_that_hashes_blobs_into_the_root(
    recorded: Recorded,
) -> None:
    url, _, _ = recorded
    nonce = int(ask(url, "eth_getTransactionCount", SENDER.address, "latest"), 16)
    blobs = (encode_blob(b"batch"),)
    unsigned = UnsignedTransaction(
        31337, nonce, TARGET, 0, b"", 21_000, 10**10, 10**9, blobs, 10**10, cell_proofs=False
    )
    raw = (await LocalSigner(KEY).sign(unsigned)).raw
    assert ask(url, "eth_sendRawTransaction", "0x" + raw.hex())
    ask(url, "evm_mine")
    block_hash = Hash32(octets(ask(url, "eth_getBlockByNumber", "latest", False)["hash"]))
    async with L1Client([url], is_development=True) as l1:
        assert [each.type for each in await l1.transactions(block_hash)] == [3]
    async with L1Client([url], FakeClock()) as l1:
        with pytest.raises(L1UnavailableError, match="transactions"):
            await l1.transactions(block_hash)


async def test_every_type_is_taken(recorded: Recorded) -> None:
    url, block, receipts = recorded
    assert {each["type"] for each in block["transactions"]} == {"0x0", "0x1", "0x2", "0x4"}
    async with L1Client([url]) as l1:
        block_hash = Hash32(octets(block["hash"]))
        found = await l1.transactions(block_hash)
        assert {each.sender for each in found} == {LocalSigner(KEY).address}
        assert len(await l1.receipts(block_hash)) == len(receipts)


def changes(record: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every string in a JSON value."""
    if isinstance(record, dict):
        for name, value in record.items():
            yield from changes(value, (*path, name))
    elif isinstance(record, list):
        for index, value in enumerate(record):
            yield from changes(value, (*path, index))
    elif isinstance(record, str) and record.startswith("0x") and len(record) > 2:
        yield path


def changed(record: Any, path: tuple[Any, ...]) -> Any:
    """The same with the last digit of one string another."""
    record = copy.deepcopy(record)
    place = record
    for step in path[:-1]:
        place = place[step]
    text = place[path[-1]]
    place[path[-1]] = text[:-1] + ("0" if text[-1] == "1" else "1")
    return record


COMMITTED_RECEIPT = {"status", "cumulativeGasUsed", "logsBloom", "type"}
COMMITTED_LOG = {"address", "topics", "data"}
REDUNDANT = {"blockHash", "blockNumber", "transactionIndex", "from", "hash", "blockTimestamp"}
SAID_TWICE = {"0x0": {"chainId"}, "0x1": {"v"}, "0x2": {"v", "gasPrice"}, "0x4": {"v", "gasPrice"}}
"""By type, what follows from the fields that are signed."""


def refuses(check: Callable[[], object]) -> bool:
    try:
        check()
    except L1UnavailableError:
        return True
    return False


def test_no_header_field_can_be_changed(recorded: Recorded) -> None:
    _, block, _ = recorded
    header = {name: value for name, value in block.items() if name != "transactions"}
    check_header(header)
    free = {path[0] for path in changes(header) if not refuses(partial(check_header, changed(header, path)))}
    assert free <= {"size", "totalDifficulty", "uncles", "withdrawals"}


def test_no_transaction_can_be_changed_left_out_or_added(
    recorded: Recorded,
) -> None:
    _, block, _ = recorded
    root, records = octets(block["transactionsRoot"]), block["transactions"]
    assert checked_transactions(records, root) is not None
    for wrong in (records[1:], records[:-1], [*records, records[0]], records[::-1]):
        assert refuses(partial(checked_transactions, wrong, root))
    for path in changes(records):
        if path[1] not in REDUNDANT | SAID_TWICE[records[path[0]]["type"]]:
            assert refuses(partial(checked_transactions, changed(records, path), root)), path


def test_no_log_can_be_changed_left_out_or_added(
    recorded: Recorded,
) -> None:
    _, block, receipts = recorded
    root = octets(block["receiptsRoot"])
    check_receipts(receipts, root)
    for wrong in (receipts[1:], [*receipts, receipts[0]], receipts[::-1]):
        assert refuses(partial(check_receipts, wrong, root))
    forged = copy.deepcopy(receipts)
    forged[0]["logs"].append({"address": "0x" + "11" * 20, "topics": [], "data": "0x"})
    assert refuses(lambda: check_receipts(forged, root))
    for path in changes(receipts):
        committed = path[1] in COMMITTED_RECEIPT or (path[1] == "logs" and path[3] in COMMITTED_LOG)
        if committed:
            assert refuses(partial(check_receipts, changed(receipts, path), root)), path


async def test_a_node_that_lies_about_logs_is_passed_over_for_one_that_does_not(
    recorded: Recorded,
) -> None:
    url, block, receipts = recorded
    header = {**block, "transactions": [each["hash"] for each in block["transactions"]]}
    lie = copy.deepcopy(receipts)
    lie[0]["logs"] = [{"address": "0x" + "11" * 20, "topics": [], "data": "0x"}]
    liar = FakeNode(eth_getBlockReceipts=lambda _: lie, eth_getBlockByHash=lambda _: header)
    block_hash = Hash32(octets(block["hash"]))
    async with running(liar) as urls, L1Client([*urls, url], FakeClock()) as l1:
        truth = await l1.receipts(block_hash)
        assert [len(each.logs) for each in truth] == [len(each["logs"]) for each in receipts]
    async with running(liar) as urls, L1Client(urls, FakeClock()) as l1:
        with pytest.raises(L1UnavailableError, match="receipts"):
            await l1.receipts(block_hash)
