"""Snapshots with the commands of the operators' page: made of a stopped node, restored twice, followed on."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.soak.processes import Cluster, Node, running_cluster
from genesis.networks import DEV
from tests.clients.programs import require_npm
from tests.integration.network import COMMAND
from tests.integration.services import refusal

pytestmark = [pytest.mark.npm, pytest.mark.slow]
PATIENCE_S = 300.0
BLOCK = 4 * DEV.submission_interval


def run(*arguments: str) -> str:
    done = subprocess.run(
        [str(COMMAND), *arguments], capture_output=True, text=True, timeout=120, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def until_height(node: Node, tag: str, height: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await node.height(tag) < height:
            await asyncio.sleep(0.5)


@pytest.mark.timeout(900)
async def test_a_node_from_a_snapshot_follows_the_chain(tmp_path: Path) -> None:
    require_npm()
    async with running_cluster(tmp_path, epoch_slots=1) as cluster:
        verifier = cluster.nodes["verifier"]
        await until_height(verifier, "finalized", BLOCK + DEV.submission_interval)
        told = (await verifier.rpc.call("eth_getBlockByNumber", hex(BLOCK), False))["hash"]
        assert verifier.stop() == 0
        folder, data = tmp_path / "snapshot", tmp_path / "verifier"
        made = await asyncio.to_thread(
            run, "snapshot", "create", "--datadir", str(data), "--out", str(folder), "--block", str(BLOCK)
        )
        assert f"wrote block {BLOCK} {told}" in made
        verifier.start()
        await _refused(cluster, folder)
        vouched = {
            "told": ["--block-hash", told],
            "by-the-l1": ["--l1.url", cluster.l1_url, "--rollup.config", str(tmp_path / "rollup.json")],
        }
        for name, proof in vouched.items():
            restore = ["snapshot", "restore", str(folder), "--datadir", str(tmp_path / name), *proof]
            assert f"restored block {BLOCK}" in await asyncio.to_thread(run, *restore)
            node = cluster.add(name, "--role", "verifier").start()
            height = await verifier.height("safe") + 3
            await until_height(node, "safe", height)
            await until_height(verifier, "safe", height)
            for number in (0, 1, BLOCK, BLOCK + 1, height):
                own, other = [
                    await each.rpc.call("eth_getBlockByNumber", hex(number), True)
                    for each in (node, verifier)
                ]
                assert own == other
            assert await node.call("eth_getBalance", "0x" + "00" * 20, hex(BLOCK - 1)) is None, "no state"
            assert node.stop() == 0
            assert node.traces() == 0
            await node.rpc.close()


async def _refused(cluster: Cluster, folder: Path) -> None:
    """What is wrong is said in one line and leaves no chain."""
    new = cluster.directory / "refused"
    restore = ["snapshot", "restore", str(folder), "--datadir", str(new)]
    for arguments, reason in (
        ([], "nobody vouches"),
        (["--block-hash", "0x" + "11" * 32], "the snapshot is of block"),
        (["--block-hash", "0x11"], "is not a block hash"),
        (["--l1.url", cluster.l1_url], "an L1 is asked with its URL and the network's file"),
    ):
        assert reason in await asyncio.to_thread(refusal, *restore, *arguments)
    chunk = folder / "000000.chunk"
    data = chunk.read_bytes()
    chunk.write_bytes(data[: len(data) // 2])
    told = (await cluster.nodes["sequencer"].rpc.call("eth_getBlockByNumber", hex(BLOCK), False))["hash"]
    assert "bytes, not" in await asyncio.to_thread(refusal, *restore, "--block-hash", told)
    chunk.write_bytes(data)
    assert not (new / "chain").exists()
