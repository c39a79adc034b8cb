"""The guard of the disk: silent while there is room, in the way when there is not, at start or later."""

import asyncio
from pathlib import Path

import pytest

from openledger_node.errors import CriticalError, StartError
from openledger_node.node import disk
from openledger_node.node.disk import MEGABYTE, DiskGuard

EVERYTHING = 10**12


def test_enough_room_is_no_problem(tmp_path: Path) -> None:
    for least in (0, 1):
        guard = DiskGuard(tmp_path, least)
        guard.assert_room()
        assert guard.problem() is None
    assert guard.free_bytes() > MEGABYTE


async def test_too_little_room_stops_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = DiskGuard(tmp_path, EVERYTHING)
    with pytest.raises(
        StartError, match=f"MB are free on the disk of {tmp_path}, {EVERYTHING} are asked for: make room"
    ):
        guard.assert_room()
    monkeypatch.setattr(disk, "POLL_S", 0.0)
    with pytest.raises(CriticalError, match="make room"):
        await asyncio.wait_for(guard.run(), 5)
