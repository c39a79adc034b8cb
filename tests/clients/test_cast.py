"""Foundry 1.7.1 against the running network: what `cast` reads and sends, and an anvil forked from our L2.

Not covered: `cast run` on the L2, which reads blocks as Ethereum's on every chain id it does not know.
"""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from genesis.addresses import L1_BLOCK
from genesis.spec import DEV_L2_CHAIN_ID
from tests.clients.accounts import COIN, PAYER
from tests.clients.notebook import BYTECODE
from tests.clients.programs import Cast, anvil, require_npm
from tests.integration.network import DevNode

pytestmark = pytest.mark.npm

NOTED = "Noted(address indexed,uint256 indexed,string)"
STRANGER = "0x1111111111111111111111111111111111111111"
SLOT_0 = "0x" + "00" * 32


@pytest.fixture(scope="module")
def cast(dev_node: DevNode) -> Cast:
    require_npm()
    return Cast(dev_node.url("rpc"))


@pytest.fixture(scope="module")
def sign(account: LocalAccount) -> tuple[str, ...]:
    return ("--private-key", Web3.to_hex(account.key))


@pytest.fixture(scope="module")
def deployed(cast: Cast, sign: tuple[str, ...]) -> Any:
    return cast.json("send", *sign, "--create", BYTECODE, "constructor(string)", "first")


@pytest.fixture(scope="module")
def notebook(deployed: Any) -> str:
    return str(deployed["contractAddress"])


@pytest.fixture(scope="module")
def written(cast: Cast, sign: tuple[str, ...], notebook: str) -> Any:
    """The receipt of one call that leaves a log."""
    return cast.json("send", *sign, notebook, "write(string)", "second")


def test_chain(cast: Cast) -> None:
    assert cast("chain-id") == str(DEV_L2_CHAIN_ID)
    assert cast("client").startswith("openledger-node/")
    finalized, safe, latest = (int(cast("block-number", tag)) for tag in ("finalized", "safe", "latest"))
    assert finalized <= safe <= latest
    assert int(cast("gas-price")) > 0
    assert int(cast("base-fee")) > 0
    assert cast.json("tx-pool", "status") == {"pending": "0x0", "queued": "0x0"}
    assert cast.json("rpc", "optimism_syncStatus")["unsafe_l2"]["number"] >= latest


def test_block_transaction_and_receipt(cast: Cast, written: Any, account: LocalAccount) -> None:
    block = cast.json("block", written["blockNumber"], "--full")
    transaction = cast.json("tx", written["transactionHash"])
    assert written["status"] == "0x1"
    assert block["transactions"][0]["type"] == "0x7e"
    assert transaction in block["transactions"]
    assert transaction["from"] == account.address.lower()
    receipt = cast.json("receipt", written["transactionHash"])
    assert written.items() <= receipt.items()
    assert int(receipt["l1Fee"], 16) > 0
    raw = cast("tx", written["transactionHash"], "--raw")
    assert Web3.to_hex(Web3.keccak(hexstr=raw)) == written["transactionHash"]


def test_deposits_are_those_of_the_op_stack(cast: Cast, written: Any) -> None:
    """Foundry's own encoder makes the same bytes of what our JSON says, so the same hash."""
    attributes = cast.json("block", written["blockNumber"])["transactions"][0]
    raw = cast("tx", "--network", "optimism", attributes, "--raw")
    assert raw == cast.json("rpc", "debug_getRawTransaction", attributes)
    assert Web3.to_hex(Web3.keccak(hexstr=raw)) == attributes
    receipt = cast.json("receipt", attributes)
    assert (receipt["type"], receipt["status"]) == ("0x7e", "0x1")
    assert "with 2 transactions" in cast(
        "da-estimate", "--network", "optimism", str(int(written["blockNumber"], 16))
    )


def test_calls_estimates_and_state(
    cast: Cast, notebook: str, written: Any, account: LocalAccount, deployed: Any
) -> None:
    assert cast("call", notebook, "texts(uint256)(string)", "2") == '"second"'
    before = deployed["blockNumber"]
    assert cast("call", notebook, "count()(uint256)", "--block", str(int(before, 16))) == "1"
    assert int(cast("estimate", notebook, "write(string)", "third", "--from", account.address)) > 30_000
    assert int(cast("estimate", "--create", BYTECODE, "constructor(string)", "x")) > 300_000
    assert int(cast("storage", notebook, "0"), 16) == 2
    assert cast("code", notebook).startswith("0x6080")
    assert cast("balance", account.address).isdigit()
    assert int(cast("nonce", account.address)) == 2
    created = cast.json("access-list", notebook, "count()")
    assert created["accessList"][0]["storageKeys"] == [SLOT_0]


def test_logs_and_proof(cast: Cast, notebook: str, written: Any, account: LocalAccount) -> None:
    found = cast.json("logs", "--address", notebook, "--from-block", "1", NOTED)
    assert [log["transactionHash"] for log in found][-1] == written["transactionHash"]
    assert len(found) == 2
    [named] = cast.json("logs", "--address", notebook, "--from-block", "1", NOTED, account.address, "2")
    assert named["blockHash"] == written["blockHash"]
    proof = cast.json("proof", notebook, "0", "--block", str(int(written["blockNumber"], 16)))
    root = cast("block", written["blockNumber"], "-f", "stateRoot")
    assert Web3.to_hex(Web3.keccak(hexstr=proof["accountProof"][0])) == root
    assert proof["storageProof"][0]["value"] == "0x2"
    assert (
        cast("storage-root", notebook, "--block", str(int(written["blockNumber"], 16)))
        == proof["storageHash"]
    )


def test_cast_shows_why_a_call_was_refused(cast: Cast, sign: tuple[str, ...], notebook: str) -> None:
    error = cast.refused("call", notebook, "write(string)", "x" * 65)
    assert "error code 3: execution reverted" in error
    data = error.split('data: "')[1].split('"')[0]
    assert cast("decode-error", "--sig", "TextTooLong(uint256,uint256)", data).splitlines() == ["65", "64"]
    assert "only the owner resets" in cast.refused("call", notebook, "reset()", "--from", STRANGER)
    assert "division or modulo by zero" in cast.refused("call", notebook, "divide(uint256,uint256)", "1", "0")
    assert 'data: "0x"' in cast.refused("call", notebook, "refuse()")
    assert "Failed to estimate gas" in cast.refused("send", *sign, notebook, "write(string)", "x" * 65)
    stale = cast.refused("send", *sign, "--nonce", "0", "--gas-limit", "21000", STRANGER)
    assert "nonce too low" in stale


def test_every_way_to_send(cast: Cast, sign: tuple[str, ...], notebook: str, dev_node: DevNode) -> None:
    legacy = cast.json("send", *sign, "--legacy", "--value", "1", STRANGER)
    delegating = cast.json("send", *sign, "--auth", notebook, STRANGER)
    unlocked = dev_node.config["available_accounts"][PAYER]
    by_node = cast.json("send", "--unlocked", "--from", unlocked, "--value", "1", STRANGER)
    assert [sent["type"] for sent in (legacy, delegating, by_node)] == ["0x0", "0x4", "0x2"]
    assert {sent["status"] for sent in (legacy, delegating, by_node)} == {"0x1"}
    waiting = cast("send", *sign, "--async", "--value", "1", STRANGER)
    assert cast.json("receipt", waiting)["status"] == "0x1"
    made = cast("mktx", *sign, "--value", "1", STRANGER)
    assert cast.json("publish", made)["status"] == "0x1"


def test_run_replays_a_transaction_of_the_l1(dev_node: DevNode) -> None:
    on_l1 = Cast(dev_node.url("l1"))
    payer = dev_node.config["private_keys"][PAYER]
    sent = on_l1.json("send", "--private-key", payer, "--value", "1", STRANGER)
    assert "Transaction successfully executed" in on_l1("run", sent["transactionHash"])


def test_anvil_forks_our_chain(dev_node: DevNode, cast: Cast, notebook: str, written: Any) -> None:
    with anvil("--fork-url", dev_node.url("rpc")) as url:
        fork = Cast(url)
        assert fork("call", notebook, "texts(uint256)(string)", "2") == '"second"'
        assert int(fork("call", str(Web3.to_checksum_address(L1_BLOCK)), "number()(uint64)")) > 0
        old = written["blockNumber"]
        assert fork("block", old, "-f", "hash") == cast("block", old, "-f", "hash")
        payer = dev_node.config["private_keys"][0]
        sent = fork.json("send", "--private-key", payer, notebook, "write(string)", "on the fork")
        assert sent["status"] == "0x1"
        assert fork("call", notebook, "count()(uint256)") == str(
            int(cast("call", notebook, "count()(uint256)")) + 1
        )
        assert int(fork("balance", dev_node.config["available_accounts"][1])) <= 10_000 * COIN
