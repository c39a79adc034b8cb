"""Foundry's forge 1.7.1 against the running L2: scripts that broadcast, and tests on a fork of it."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from tests.clients.notebook import ABI
from tests.clients.programs import Finished, Forge, require_npm
from tests.integration.network import DevNode

pytestmark = pytest.mark.npm

SCRIPT = "script/Publish.s.sol"
CONTRACT = "../../contracts/solidity/Notebook.sol:Notebook"
FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"


@pytest.fixture(scope="module")
def forge(dev_node: DevNode, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    require_npm()
    return Forge(dev_node.url("rpc"), tmp_path_factory.mktemp("forge"))


@pytest.fixture(scope="module")
def signing(account: LocalAccount) -> tuple[str, ...]:
    return ("--private-key", Web3.to_hex(account.key))


@pytest.fixture(scope="module")
def publish(forge: Forge, signing: tuple[str, ...], dev_node: DevNode) -> Callable[..., Finished]:
    """Run the script, always with the same salt; further arguments as given."""
    salt = Web3.to_hex(secrets.token_bytes(32))
    always = ("script", SCRIPT, "--rpc-url", dev_node.url("rpc"), "--broadcast", *signing)
    return lambda *more: forge.run(*always, *more, SALT=salt)


@pytest.fixture(scope="module")
def published(forge: Forge, publish: Callable[..., Finished]) -> Any:
    finished = publish()
    assert finished.returncode == 0, finished.stderr
    return forge.broadcast("Publish.s.sol")


def test_script_deploys_calls_and_pays(published: Any, l2: Web3, account: LocalAccount) -> None:
    assert len(published["receipts"]) == 5
    assert {receipt["status"] for receipt in published["receipts"]} == {"0x1"}
    kinds = [sent["transactionType"] for sent in published["transactions"]]
    assert kinds == ["CREATE", "CREATE2", "CALL", "CALL", "CALL"]
    addresses = [Web3.to_checksum_address(sent["contractAddress"]) for sent in published["transactions"][:2]]
    created, twin = (l2.eth.contract(address, abi=ABI) for address in addresses)
    assert (created.functions.count().call(), twin.functions.count().call()) == (2, 2)
    assert created.functions.owner().call() == account.address
    assert twin.functions.owner().call() == FACTORY
    assert published["pending"] == []


def test_a_whole_broadcast_is_not_sent_again(
    publish: Callable[..., Finished], published: Any, l2: Web3, account: LocalAccount
) -> None:
    before = l2.eth.get_transaction_count(account.address)
    assert publish("--resume").returncode == 0
    assert l2.eth.get_transaction_count(account.address) == before


def test_script_that_would_revert_sends_nothing(
    publish: Callable[..., Finished], published: Any, l2: Web3, account: LocalAccount
) -> None:
    """The same salt again: the factory refuses, in the simulation already."""
    before = l2.eth.get_transaction_count(account.address)
    assert publish().returncode != 0
    assert l2.eth.get_transaction_count(account.address) == before


def test_tests_run_on_a_fork_of_our_chain(forge: Forge, published: Any, dev_node: DevNode) -> None:
    deployment = published["receipts"][0]
    told = forge(
        "test",
        "--fork-url",
        dev_node.url("rpc"),
        "--json",
        "--fuzz-runs",
        "20",
        NOTEBOOK=published["transactions"][0]["contractAddress"],
        DEPLOYED_AT=str(int(deployment["blockNumber"], 16)),
    )
    [suite] = json.loads(told).values()
    results = suite["test_results"]
    assert {name: result["status"] for name, result in results.items()} == dict.fromkeys(results, "Success")
    assert len(results) == 6


def test_create_deploys(forge: Forge, signing: tuple[str, ...], l2: Web3) -> None:
    arguments = ("--broadcast", "--json", "--constructor-args", "by forge create")
    told = json.loads(forge("create", *signing, CONTRACT, *arguments))
    created = l2.eth.contract(Web3.to_checksum_address(told["deployedTo"]), abi=ABI)
    assert created.functions.texts(1).call() == "by forge create"
