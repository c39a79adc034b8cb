"""What was ever signed with a validator's key, so that no second root is signed: a record, and a mark.

Implements `rollup_bridge.validator.attester.SigningRecord`. Each signature is a row chained to the one before
by hash. It is on disk before it is returned, and so is the mark: number and hash of the newest row, in a file
beside the *key*, not in the data directory. A data directory restored from a copy has an older record than
the mark says, and is refused; so is a key with a mark and no record at all.
Covered: a crash between row and mark (the record is one ahead), between any two writes; two processes with
one record (SQLite's lock); the record of another key or contract. Not covered: key and mark copied to another
machine together with an old record: nothing on this machine can tell, so never run a key in two places.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.errors import StartError
from rollup_bridge.errors import CriticalError
from rollup_bridge.validator.attestation import Attestation, SignedAttestation

RECORD_FILE = "attestations.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS identity (domain BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS signed (
    number INTEGER PRIMARY KEY,
    l2_number INTEGER NOT NULL,
    l1_hash BLOB NOT NULL,
    root BLOB NOT NULL,
    l1_number INTEGER NOT NULL,
    signature BLOB NOT NULL,
    chained BLOB NOT NULL,
    UNIQUE (l2_number, l1_hash)
);
"""
_NOTHING = bytes(32)


def mark_path(key: Path) -> Path:
    """Where the mark of a key file lies."""
    return key.with_name(key.name + ".signed")


class SlashingProtection:
    """One per key and process; `close` it."""

    def __init__(self, database: sqlite3.Connection, mark: Path) -> None:
        self._database = database
        self._mark = mark
        self._lock = asyncio.Lock()

    @classmethod
    def open(
        cls, directory: Path, key: Path, account: Address, l1_chain_id: int, staking: Address
    ) -> "SlashingProtection":
        """Raises `StartError` for a record that is older than its mark, of another key, damaged or in use."""
        path = directory / RECORD_FILE
        try:
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_TABLES)
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be used ({error})", "stop what uses it, or see docs/rollup.md"
            ) from None
        record = cls(database, mark_path(key))
        try:
            record._check_identity(account + l1_chain_id.to_bytes(32, "big") + staking)
            record._check_mark()
        except BaseException:
            database.close()
            raise
        return record

    def close(self) -> None:
        self._database.close()

    async def sign(
        self, attestation: Attestation, digest: Hash32, sign: Callable[[Hash32], bytes]
    ) -> SignedAttestation:
        """See `rollup_bridge.validator.attester.SigningRecord`."""
        async with self._lock:
            return await asyncio.to_thread(self._sign, attestation, digest, sign)

    def count(self) -> int:
        """How many attestations were ever signed."""
        return self._newest()[0]

    def _sign(
        self, attestation: Attestation, digest: Hash32, sign: Callable[[Hash32], bytes]
    ) -> SignedAttestation:
        known = self._database.execute(
            "SELECT root, signature FROM signed WHERE l2_number = ? AND l1_hash = ?",
            (attestation.l2_number, bytes(attestation.l1.hash)),
        ).fetchone()
        if known is not None:
            if known[0] != attestation.root:
                raise CriticalError(
                    f"another root of L2 block {attestation.l2_number} was signed before for this L1 block"
                    ": a second would be slashed. Compare this node's chain with others'"
                )
            self._write_mark()
            return SignedAttestation(attestation, known[1])
        signature = sign(digest)
        number, before = self._newest()
        chained = keccak256(before + digest)
        self._database.execute(
            "INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number + 1,
                attestation.l2_number,
                bytes(attestation.l1.hash),
                bytes(attestation.root),
                attestation.l1.number,
                signature,
                bytes(chained),
            ),
        )
        self._write_mark()
        return SignedAttestation(attestation, signature)

    def _newest(self) -> tuple[int, bytes]:
        row = self._database.execute(
            "SELECT number, chained FROM signed ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return (0, _NOTHING) if row is None else (int(row[0]), bytes(row[1]))

    def _check_identity(self, domain: bytes) -> None:
        row = self._database.execute("SELECT domain FROM identity").fetchone()
        if row is None:
            self._database.execute("INSERT INTO identity VALUES (?)", (domain,))
        elif bytes(row[0]) != domain:
            raise StartError(
                "the record of signed attestations is of another key, L1 or staking contract",
                "give that key, or another --datadir",
            )

    def _check_mark(self) -> None:
        """Raises `StartError` unless the record holds the marked row, with at most one more behind it."""
        number, _ = self._newest()
        try:
            text = self._mark.read_text().split()
        except FileNotFoundError:
            if number > 1:
                raise StartError(
                    f"{self._mark} is missing", "the key was moved: bring the file that lay beside it"
                ) from None
            return
        if len(text) != 2 or not text[0].isdecimal():
            raise StartError(f"{self._mark} is damaged", "see docs/rollup.md, restored copies")
        marked, expected = int(text[0]), text[1]
        row = self._database.execute("SELECT chained FROM signed WHERE number = ?", (marked,)).fetchone()
        held = _NOTHING if marked == 0 else None if row is None else bytes(row[0])
        if held is None or held.hex() != expected or number > marked + 1:
            raise StartError(
                f"the record of signed attestations ends at {number}, the key has signed {marked}",
                "this data directory is an old copy, and signing on could be slashed: bring the newest one",
            )

    def _write_mark(self) -> None:
        number, chained = self._newest()
        temporary = self._mark.with_name(self._mark.name + ".tmp")
        with temporary.open("w") as file:
            file.write(f"{number} {chained.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._mark)
        directory = os.open(self._mark.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
