"""What a juror said, on disk before the chain hears of it: verdict, values and salt of each round of a case.

A commitment without its ballot could not be revealed, and its juror would be slashed as absent. The first
ballot of a round stays: whatever is computed after a restart, only what was committed can be revealed.

Covered: a kill at any point (SQLite, synchronous); several accounts and chains in one file. Not covered: the
loss of the file (salts follow from the key, so the same recomputation gives the same ballot again).
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from genesis.types import Address, Hash32

FILE = "ballots.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS ballots (
    chain_id INTEGER NOT NULL,
    juror BLOB NOT NULL,
    case_id INTEGER NOT NULL,
    round INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    told BLOB NOT NULL,
    salt BLOB NOT NULL,
    PRIMARY KEY (chain_id, juror, case_id, round)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One juror's word on one round of a case; `values` are packed as `revealVerdict` takes them."""

    case_id: int
    round: int
    verdict: int
    values: bytes
    salt: Hash32


class Ballots:
    """One account's ballots on one chain. Calls block for a disk's flush."""

    def __init__(self, directory: Path, chain_id: int, juror: Address) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(directory / FILE, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_TABLE)
        self._owner = (chain_id, bytes(juror))

    def close(self) -> None:
        self._database.close()

    def keep(self, ballot: Ballot) -> Ballot:
        """The round's ballot from now on: this one, or the one that was kept before."""
        row = (*self._owner, ballot.case_id, ballot.round, ballot.verdict, ballot.values, ballot.salt)
        self._database.execute("INSERT OR IGNORE INTO ballots VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return self.get(ballot.case_id, ballot.round) or ballot

    def get(self, case_id: int, number: int) -> Ballot | None:
        """What was kept for a round, if anything."""
        found = self._database.execute(
            "SELECT verdict, told, salt FROM ballots WHERE (chain_id, juror, case_id, round) = (?, ?, ?, ?)",
            (*self._owner, case_id, number),
        ).fetchone()
        return None if found is None else Ballot(case_id, number, found[0], found[1], Hash32(found[2]))
