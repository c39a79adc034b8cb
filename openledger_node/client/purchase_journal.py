"""What a customer has checked of a channel's receipts, kept between processes.

A voucher signs the root of all receipts so far, so whoever signs must know their hashes and fees. One line
each, written to the disk before the next voucher.
"""

import json
import os
from pathlib import Path

from genesis.types import Hash32
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.errors import UserError

FOLDER = "openledger-node/channels"


def journal_path(chain_id: int, channel_id: Hash32) -> Path:
    """Under `$XDG_STATE_HOME`, by default `~/.local/state`."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / FOLDER / f"{chain_id}-{channel_id.hex()}.jsonl"


class PurchaseJournal:
    """The receipts of one channel on disk; one process at a time."""

    def __init__(self, path: Path, chain_id: int, channel_id: Hash32) -> None:
        self._path = path
        self._chain_id, self._channel_id = chain_id, channel_id

    def tree(self) -> ReceiptTree:
        """All receipts so far; raises UserError when the file is damaged."""
        tree = ReceiptTree(self._chain_id, self._channel_id)
        if not self._path.exists():
            return tree
        for number, line in enumerate(self._path.read_text().splitlines(), start=1):
            try:
                receipt, fee_wei = json.loads(line)
                tree.append(Hash32(bytes.fromhex(receipt)), int(fee_wei))
            except (ValueError, TypeError):
                raise UserError(
                    f"line {number} of {self._path} is no receipt", "close the channel and open another"
                ) from None
        return tree

    def append(self, receipt: Hash32, fee_wei: int) -> None:
        """Write one more receipt; it is on the disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps([receipt.hex(), str(fee_wei)]) + "\n")
            file.flush()
            os.fsync(file.fileno())
