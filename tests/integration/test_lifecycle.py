"""Start, stop, kill and start again: nothing sealed is lost, nothing is announced twice."""

import shutil
import time
from pathlib import Path

import pytest
import requests
from eth_account import Account
from web3 import Web3

from openledger_node.client.account import dev_private_key
from tests.integration.network import DevNode, wait_until

ABSENCE_S = 8.0


def test_stop_is_quick_and_a_second_start_continues_the_chain(tmp_path: Path) -> None:
    node = DevNode(tmp_path / "dev").start()
    try:
        before = node.rpc("eth_getBlockByNumber", "latest", False)
        assert node.stop() < 10.0
        time.sleep(ABSENCE_S)
        start_s = time.monotonic()
        node.start()
        now = node.rpc("eth_getBlockByNumber", "latest", False)
        passed_s = int(now["timestamp"], 16) - int(before["timestamp"], 16)
        assert passed_s < time.monotonic() - start_s + ABSENCE_S / 2, (
            "time went on while the node was stopped"
        )
        again = node.rpc("eth_getBlockByNumber", before["number"], False)
        assert again["hash"] == before["hash"]
        wait_until(lambda: int(node.rpc("eth_blockNumber"), 16) > int(before["number"], 16) + 3, "new blocks")
    finally:
        node.close()


def verifier_height(node: DevNode) -> int:
    """-1 while it does not listen yet."""
    try:
        return int(node.rpc("eth_blockNumber", on="verifier"), 16)
    except requests.ConnectionError:
        return -1


def test_sequencer_that_lost_its_database_derives_the_same_chain_again(tmp_path: Path) -> None:
    node = DevNode(tmp_path / "dev").start()
    try:
        height = wait_until(
            lambda: int(node.rpc("eth_getBlockByNumber", "safe", False)["number"], 16), "a safe block"
        )
        before = node.rpc("eth_getBlockByNumber", hex(height), False)["hash"]
        node.stop()
        shutil.rmtree(node.datadir / "node")
        node.start()
        wait_until(lambda: int(node.rpc("eth_blockNumber"), 16) >= height, "the height it had")
        assert node.rpc("eth_getBlockByNumber", hex(height), False)["hash"] == before
        wait_until(lambda: verifier_height(node) > height + 5, "a verifier that follows the new blocks")
    finally:
        node.close()


def test_killed_node_keeps_every_sealed_transaction(tmp_path: Path) -> None:
    node = DevNode(tmp_path / "dev").start()
    try:
        sender = Account.from_key(dev_private_key(2))
        sealed: dict[str, str] = {}
        for _ in range(3):
            w3 = Web3(Web3.HTTPProvider(node.url("rpc")))
            for _ in range(5):
                raw = sender.sign_transaction(
                    {
                        "to": Account.create().address,
                        "value": 1,
                        "gas": 21_000,
                        "nonce": w3.eth.get_transaction_count(sender.address, "pending"),
                        "maxFeePerGas": 10**10,
                        "maxPriorityFeePerGas": 10**8,
                        "chainId": w3.eth.chain_id,
                    }
                ).raw_transaction
                receipt = w3.eth.wait_for_transaction_receipt(
                    w3.eth.send_raw_transaction(raw), poll_latency=0.1
                )
                sealed[receipt["transactionHash"].hex()] = receipt["blockHash"].hex()
            node.kill()
            node.start()
            w3 = Web3(Web3.HTTPProvider(node.url("rpc")))
            for transaction_hash, block_hash in sealed.items():
                assert w3.eth.get_transaction_receipt(transaction_hash)["blockHash"].hex() == block_hash  # type: ignore[arg-type]  # hex text is accepted
    finally:
        node.close()


@pytest.mark.parametrize(("port", "url"), [("http", "rpc"), ("metrics", "metrics")])
def test_busy_port_is_one_clear_line(tmp_path: Path, dev_node: DevNode, port: str, url: str) -> None:
    taken = dev_node.url(url).rsplit(":", 1)[1]
    with pytest.raises(AssertionError, match=f"port {taken} .* --{port}.port"):
        DevNode(tmp_path / "second", ports={port: taken}).start()
