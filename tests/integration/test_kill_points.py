"""A sequencer killed at 200 points: what it announced is neither lost nor told otherwise; it is back soon."""

import os
import random
import secrets
from pathlib import Path
from typing import Any

import pytest

from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.integrity import check_store
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.leveldb import LevelDb
from tests.integration.sequencer_process import KillPoint, Sequencer, open_chain

KILLS = 200
RECOVERY_S = 10.0
NEWEST = 200
"""Blocks and transactions that are asked for again after each kill; all of them at the end."""


def _dice() -> random.Random:
    """Set OPENLEDGER_CRASH_SEED to draw the same points again."""
    seed = int(os.environ.get("OPENLEDGER_CRASH_SEED") or secrets.randbits(32))
    print(f"OPENLEDGER_CRASH_SEED={seed}")
    return random.Random(seed)


class _Told:
    """Everything the sequencers announced, over all their lives."""

    def __init__(self) -> None:
        self.blocks: dict[int, str] = {}
        self.transactions: dict[str, int] = {}
        self.height = 0
        """Of the newest block announced, or found at a start: one that was written as the last thing in a
        life is never announced."""

    def hear(self, announcements: list[dict[str, Any]]) -> None:
        for told in announcements:
            number = told["number"]
            assert self.blocks.setdefault(number, told["hash"]) == told["hash"], f"a second block {number}"
            self.transactions.update(dict.fromkeys(told["transactions"], number))
            self.height = number

    def lost(self, chain: Chain, newest: int | None = None) -> list[str]:
        """What the chain does not say, or says differently; of the newest so many of each, or of all."""
        wrong, first = [], 0 if newest is None else -newest
        for number, block_hash in list(self.blocks.items())[first:]:
            header = chain.header_by_number(number)
            if header is None or header.hash.hex() != block_hash:
                wrong.append(f"block {number}")
        for transaction_hash, number in list(self.transactions.items())[first:]:
            found = chain.find_transaction(Hash32(bytes.fromhex(transaction_hash)))
            if found is None or found.block.header.number != number:
                wrong.append(f"transaction {transaction_hash} of block {number}")
        return wrong


def _problems(store: KeyValue, sample: int | None) -> list[str]:
    reports = check_store(store, sample=sample, random=random.Random(1))
    return [problem for report in reports for problem in report.problems]


def _live_and_die(directory: Path, dice: random.Random) -> Sequencer:
    """Half of the deaths come at a write of the store, the others at any moment."""
    if dice.random() < 0.5:
        sequencer = Sequencer(directory, KillPoint(dice.randrange(30), after=dice.random() < 0.5))
    else:
        sequencer = Sequencer(directory, KillPoint())
        sequencer.kill_after(dice.randrange(8), dice.uniform(0, 0.1))
    sequencer.await_death()
    return sequencer


def _killed_again_and_again(directory: Path, kills: int, dice: random.Random) -> None:
    told, slowest_s = _Told(), 0.0
    for _ in range(kills):
        sequencer = _live_and_die(directory, dice)
        for ready in sequencer.told[:1]:  # none if it died while it opened the chain
            slowest_s = max(slowest_s, ready["ready_s"])
            assert ready["head"] in {told.height, told.height + 1}
            told.height = ready["head"]
        told.hear(sequencer.told[1:])
        store = LevelDb.open(directory / "chain")
        assert told.lost(open_chain(store), NEWEST) == []
        assert _problems(store, 20) == []
        store.close()
    print(f"{kills} kills, {len(told.blocks)} blocks, {len(told.transactions)} transactions;", end=" ")
    print(f"slowest recovery {slowest_s:.2f} s")
    assert slowest_s < RECOVERY_S
    store = LevelDb.open(directory / "chain")
    assert told.lost(open_chain(store)) == []
    assert _problems(store, None) == []
    store.close()


def test_killed_at_a_few_points(tmp_path: Path) -> None:
    _killed_again_and_again(tmp_path, 6, _dice())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_200_points(tmp_path: Path) -> None:
    _killed_again_and_again(tmp_path, KILLS, _dice())
