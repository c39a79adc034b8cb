"""What a customer has checked of a channel's receipts, kept between processes.

A voucher signs the root of all receipts so far, so whoever signs must know their hashes and fees. One line
each, written to the disk before the next voucher; with what opens its hash, which is private and without
which no jury can be shown what was answered.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesis.types import Hash32
from openledger_node.client.openings import Opening
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.errors import UserError

FOLDER = "openledger-node/channels"


def journal_path(chain_id: int, channel_id: Hash32) -> Path:
    """Under `$XDG_STATE_HOME`, by default `~/.local/state`."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / FOLDER / f"{chain_id}-{channel_id.hex()}.jsonl"


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """One receipt; `opening` is None where it was kept without."""

    hash: Hash32
    fee_wei: int
    opening: Opening | None


class PurchaseJournal:
    """The receipts of one channel on disk; one process at a time."""

    def __init__(self, path: Path, chain_id: int, channel_id: Hash32) -> None:
        self._path = path
        self._chain_id, self._channel_id = chain_id, channel_id

    def tree(self) -> ReceiptTree:
        """All receipts so far; raises UserError when the file is damaged."""
        tree = ReceiptTree(self._chain_id, self._channel_id)
        for each in self.receipts():
            tree.append(each.hash, each.fee_wei)
        return tree

    def receipts(self) -> list[KeptReceipt]:
        """All receipts so far, in order; raises UserError when the file is damaged."""
        if not self._path.exists():
            return []
        found = []
        for number, line in enumerate(self._path.read_text().splitlines(), start=1):
            try:
                found.append(_parsed(json.loads(line)))
            except (ValueError, TypeError):
                raise UserError(
                    f"line {number} of {self._path} is no receipt", "close the channel and open another"
                ) from None
        return found

    def append(self, receipt: Hash32, fee_wei: int, opening: Opening | None = None) -> None:
        """Write one more receipt; it is on the disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        opened = [] if opening is None else [_packed(opening)]
        private = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(private, "a") as file:
            file.write(json.dumps([receipt.hex(), str(fee_wei), *opened]) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _packed(opening: Opening) -> list[int | str]:
    return [opening.tokens_in, opening.tokens_out, opening.prompt.hex(), opening.output.hex()]


def _parsed(line: list[Any]) -> KeptReceipt:
    receipt, fee_wei, *opened = line
    opening = None
    if opened:
        ((tokens_in, tokens_out, prompt, output),) = opened
        opening = Opening(tokens_in, tokens_out, bytes.fromhex(prompt), bytes.fromhex(output))
    return KeptReceipt(Hash32(bytes.fromhex(receipt)), int(fee_wei), opening)
