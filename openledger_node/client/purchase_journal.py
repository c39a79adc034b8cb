"""What a customer has checked of a channel's receipts, kept between processes.

A voucher signs the root of all receipts so far, so whoever signs must know their hashes and fees, and what
their answers cited if that is to be paid. One line each, written to the disk before the next voucher; with
what opens its hash, which is private and without which no jury can be shown what was answered.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesis.types import Address, Hash32
from openledger_node.client.openings import Opening
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.client.retrieval_shares import Bought, Cited
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
    cited: Cited | None = None


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

    def bought(self) -> list[Bought]:
        """Fee and citations of all receipts so far; raises UserError when the file is damaged."""
        return [Bought(each.fee_wei, each.cited) for each in self.receipts()]

    def receipts(self) -> list[KeptReceipt]:
        """All receipts so far, in order; raises UserError when the file is damaged or cannot be read."""
        found = []
        for number, line in enumerate(self._lines(), start=1):
            try:
                found.append(_parsed(json.loads(line)))
            except (ValueError, TypeError):
                raise UserError(
                    f"line {number} of {self._path} is not a receipt", "close the channel and open another"
                ) from None
        return found

    def _lines(self) -> list[bytes]:
        try:
            return self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"cannot read {self._path} ({error.strerror})", "name another journal") from None

    def append(
        self, receipt: Hash32, fee_wei: int, opening: Opening | None = None, cited: Cited | None = None
    ) -> None:
        """Write one more receipt; it is on the disk when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = [receipt.hex(), str(fee_wei), _packed(opening), _line(cited)]
        private = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(private, "a") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _packed(opening: Opening | None) -> list[int | str] | None:
    if opening is None:
        return None
    return [opening.tokens_in, opening.tokens_out, opening.prompt.hex(), opening.output.hex()]


def _line(cited: Cited | None) -> list[Any] | None:
    if cited is None:
        return None
    weights = [[contributor.hex(), weight_ppm] for contributor, weight_ppm in cited.weights]
    return [cited.datanet_id, cited.version, weights]


def _parsed(line: list[Any]) -> KeptReceipt:
    """A line; older ones end after the fee, or after what opens the hash."""
    receipt, fee_wei, opened, cited = [*line, None, None][:4]
    return KeptReceipt(
        Hash32(bytes.fromhex(receipt)),
        int(fee_wei),
        None if opened is None else _opening(opened),
        None if cited is None else _cited(cited),
    )


def _opening(opened: list[Any]) -> Opening:
    tokens_in, tokens_out, prompt, output = opened
    return Opening(tokens_in, tokens_out, bytes.fromhex(prompt), bytes.fromhex(output))


def _cited(line: list[Any]) -> Cited:
    datanet_id, version, weights = line
    found = tuple((Address(bytes.fromhex(who)), int(weight_ppm)) for who, weight_ppm in weights)
    return Cited(int(datanet_id), int(version), found)
