"""What a running node told the world: its blocks and receipts, kept so that they can be asked for again."""

import threading
from types import TracebackType
from typing import Any, Self

import requests

from tests.integration.network import DevNode

POLL_S = 0.05


class Announcements:
    """Blocks by height and receipts by transaction, across restarts.

    Use as `with announcements.following(node)`: a thread asks for every new block until the block ends or
    the node stops answering.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, str] = {}
        self.receipts: dict[str, str] = {}
        self.second_blocks: list[str] = []
        """Heights that were announced with two different hashes: must stay empty."""

    def following(self, node: DevNode) -> "_Following":
        return _Following(self, node)

    def hear(self, node: DevNode) -> None:
        """Take note of everything up to the head."""
        head = int(node.rpc("eth_blockNumber"), 16)
        for number in range(max(self.blocks, default=-1) + 1, head + 1):
            block = node.rpc("eth_getBlockByNumber", hex(number), False)
            self._note(block)
            for receipt in node.rpc("eth_getBlockReceipts", hex(number)):
                self.receipts[receipt["transactionHash"]] = receipt["blockHash"]

    def lost(self, node: DevNode) -> list[str]:
        """What the node says differently now, or not any more."""
        wrong = list(self.second_blocks)
        for number, block_hash in self.blocks.items():
            found = node.rpc("eth_getBlockByNumber", hex(number), False)
            if found is None or found["hash"] != block_hash:
                wrong.append(f"block {number} was {block_hash}, is {found and found['hash']}")
        for transaction_hash, block_hash in self.receipts.items():
            found = node.rpc("eth_getTransactionReceipt", transaction_hash)
            if found is None or found["blockHash"] != block_hash:
                wrong.append(f"{transaction_hash} was in {block_hash}, is in {found and found['blockHash']}")
        return wrong

    def _note(self, block: dict[str, Any]) -> None:
        number, block_hash = int(block["number"], 16), block["hash"]
        if self.blocks.setdefault(number, block_hash) != block_hash:
            self.second_blocks.append(f"block {number}: {self.blocks[number]} and {block_hash}")
        if number and self.blocks.get(number - 1, block["parentHash"]) != block["parentHash"]:
            self.second_blocks.append(f"block {number} is not built on the announced block {number - 1}")


class _Following:
    def __init__(self, announcements: Announcements, node: DevNode) -> None:
        self._announcements = announcements
        self._node = node
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(POLL_S):
            try:
                self._announcements.hear(self._node)
            except requests.RequestException:
                return  # killed: what was heard before is what counts
