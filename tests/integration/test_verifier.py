"""A verifier with an empty data directory, the network files and the L1 URL alone reaches the same chain."""

from pathlib import Path

import requests
from eth_account import Account

from openledger_node.client.account import dev_account
from tests.integration.network import DevNode, wait_until
from tests.integration.services import ask, ethereum, free_port, service

TRANSFERS = 12


def fill_blocks(node: DevNode) -> int:
    """Transfers over several blocks; returns the height of the last."""
    for number in range(TRANSFERS):
        sender = f"0x{dev_account(number % 3).address.hex()}"
        transfer = {"from": sender, "to": Account.create().address, "value": "0x1"}
        sent = node.rpc("eth_sendTransaction", transfer)
        receipt = wait_until(lambda sent=sent: node.rpc("eth_getTransactionReceipt", sent), "a receipt")
    return int(receipt["blockNumber"], 16)


def test_the_chain_is_derived_with_the_sequencer_stopped(tmp_path: Path) -> None:
    with ethereum(tmp_path / "l1") as l1_url:
        node = DevNode(tmp_path / "dev", "--l1.url", l1_url).start()
        try:
            height = fill_blocks(node)
            wait_until(
                lambda: int(node.rpc("eth_getBlockByNumber", "safe", False)["number"], 16) >= height,
                "the batches on the L1",
            )
            blocks = [node.rpc("eth_getBlockByNumber", hex(number), False) for number in range(height + 1)]
            node.stop()
        finally:
            node.close()
        http, metrics = free_port(), free_port()
        arguments = ["run", "--role", "verifier", "--datadir", str(tmp_path / "empty"), "--l1.url", l1_url]
        arguments += ["--rollup.config", str(node.datadir / "rollup.json")]
        arguments += ["--rollup.genesis", str(node.datadir / "genesis.json")]
        arguments += ["--http.port", http, "--metrics.port", metrics]
        with service(tmp_path / "verifier.log", *arguments):
            url = f"http://127.0.0.1:{http}"

            def is_derived() -> bool:
                safe = ask(url, "eth_getBlockByNumber", "safe", False)
                return safe is not None and int(safe["number"], 16) >= height

            wait_until(is_derived, "the verifier's safe head")
            for number, block in enumerate(blocks):
                assert ask(url, "eth_getBlockByNumber", hex(number), False) == block
            assert_outputs_agree(f"http://127.0.0.1:{metrics}")


def assert_outputs_agree(metrics_url: str) -> None:
    """The output roots on the L1 are those of the derived chain."""

    def are_checked() -> bool:
        text = requests.get(f"{metrics_url}/metrics", timeout=30).text
        line = next(line for line in text.splitlines() if line.startswith("openledger_outputs_checked"))
        return float(line.split()[-1]) > 0

    wait_until(are_checked, "a checked output")
    wait_until(lambda: requests.get(f"{metrics_url}/readyz", timeout=30).ok, "readiness")
