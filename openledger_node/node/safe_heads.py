"""Which L2 block was safe after each L1 block, for `optimism_safeHeadAtL1Block`: kept in a file of its own.

Implements `rollup_bridge.ports.SafeHeadLog`. A node that began before it had the file, or was restored from a
snapshot, knows the L1 blocks since then. Not synced: derivation says it all again after a power failure.
"""

import sqlite3
from pathlib import Path

from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.errors import StartError

FILE = "safe_heads.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS safe_heads (
    l1_number INTEGER PRIMARY KEY, l1_hash BLOB NOT NULL, l2_number INTEGER NOT NULL, l2_hash BLOB NOT NULL
)
"""


class SafeHeads:
    """One per node; `close` it."""

    def __init__(self, directory: Path) -> None:
        path = directory / FILE
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(_TABLE)
        except sqlite3.Error as error:
            raise StartError(f"{path} cannot be used ({error})", "remove it: it is made again") from None

    def record(self, l1: BlockId, safe: BlockId) -> None:
        """See `SafeHeadLog`."""
        row = (l1.number, bytes(l1.hash), safe.number, bytes(safe.hash))
        self._database.execute("INSERT OR REPLACE INTO safe_heads VALUES (?, ?, ?, ?)", row)

    def forget_above(self, l2_number: int) -> None:
        """See `SafeHeadLog`."""
        self._database.execute("DELETE FROM safe_heads WHERE l2_number > ?", (l2_number,))

    def at(self, l1_number: int) -> tuple[BlockId, BlockId] | None:
        """The last L1 block up to `l1_number` that moved the safe head, and where to."""
        row = self._database.execute(
            "SELECT * FROM safe_heads WHERE l1_number <= ? ORDER BY l1_number DESC LIMIT 1", (l1_number,)
        ).fetchone()
        return None if row is None else (BlockId(Hash32(row[1]), row[0]), BlockId(Hash32(row[3]), row[2]))

    def close(self) -> None:
        self._database.close()
