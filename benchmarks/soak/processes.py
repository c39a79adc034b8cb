"""The network under test: an anvil, and each role of the rollup as a process that can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from genesis.networks import DEV, DEV_BATCHER, DEV_PROPOSER, Network
from genesis.spec import RollupConfig
from openledger_node.client.account import dev_private_key
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.rpc import HttpRpc
from openledger_node.node.dev_network import GENESIS_FILE, ROLLUP_FILE, prepare_dev_network
from openledger_node.node.keys import write_key
from openledger_node.node.preflight import free_port
from tests.clients.programs import anvil

HOST = "127.0.0.1"
L1_EPOCH_SLOTS = 48
"""anvil's finalized block lies two epochs behind its head: deeper than any reorganisation here."""
STOP_PATIENCE_S = 15.0
PROGRAM = "openledger_node"
ROLES = ("sequencer", "batcher", "proposer", "verifier")


class Node:
    """One role's process on one data directory and one port, whatever happens to the process."""

    def __init__(self, name: str, directory: Path, arguments: list[str], program: str = PROGRAM) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        port = free_port(HOST)
        self._command = [sys.executable, "-m", program, "run", *arguments]
        self._command += ["--datadir", str(directory / name), "--http.port", str(port), "--metrics.port", "0"]
        self._process: subprocess.Popen[bytes] | None = None
        self.rpc = HttpRpc(f"http://{HOST}:{port}", timeout_s=10.0)
        self.ethereum = Ethereum(self.rpc)
        self.died: list[int] = []
        """Exit codes of lives that nobody ended."""

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
        return self

    def kill(self) -> None:
        """SIGKILL: nothing gets a chance to tidy up."""
        self._note_death()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int | None:
        """SIGTERM, as an operator stops it; the exit code."""
        self._note_death()
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    async def call(self, method: str, *parameters: Any) -> Any:
        """A JSON-RPC result, or None while there is none."""
        try:
            return await self.rpc.call(method, *parameters)
        except (UnreachableError, RemoteError):
            return None

    async def height(self, tag: str) -> int:
        """The block a tag stands for; -1 while the node does not answer."""
        block = await self.call("eth_getBlockByNumber", tag, False)
        return -1 if block is None else int(block["number"], 16)

    def cpu_s(self) -> float:
        """CPU seconds of the living process so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def traces(self) -> int:
        """How many uncaught errors its log holds, over all lives."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")

    def _note_death(self) -> None:
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            self.died.append(code)


@dataclass(frozen=True)
class Cluster:
    """Everything that runs. `add` makes a node that has the L1 and the network's two files only.

    `deployed_at` is the L1 block with the last of the contracts: nothing up to it is reorganised.
    """

    directory: Path
    l1: Ethereum
    l1_url: str
    config: RollupConfig
    deployed_at: int
    nodes: dict[str, Node]
    common: tuple[str, ...]

    def add(self, name: str, *arguments: str, program: str = PROGRAM) -> Node:
        return Node(name, self.directory, [*self.common, *arguments], program)


@contextlib.asynccontextmanager
async def running_cluster(
    directory: Path,
    epoch_slots: int = L1_EPOCH_SLOTS,
    programs: Mapping[str, str] = MappingProxyType({}),
    preset: Network = DEV,
) -> AsyncIterator[Cluster]:
    """An L1 with the contracts, and the four roles as processes of their own, each started once. `programs`
    names another module to run for a role than the node's."""
    with _anvil(epoch_slots) as l1_url:
        async with HttpRpc(l1_url) as rpc:
            cluster = await _cluster(directory, Ethereum(rpc), l1_url, programs, preset)
            try:
                for node in cluster.nodes.values():
                    node.start()
                yield cluster
            finally:
                for node in reversed(cluster.nodes.values()):
                    node.stop()
                    await node.rpc.close()


@contextlib.contextmanager
def _anvil(epoch_slots: int) -> Iterator[str]:
    pace = ("--block-time", "1", "--slots-in-an-epoch", str(epoch_slots))
    with anvil("--chain-id", "31337", *pace) as url:
        yield url


async def _cluster(
    directory: Path, l1: Ethereum, l1_url: str, programs: Mapping[str, str], preset: Network
) -> Cluster:
    network = await prepare_dev_network(l1, directory, preset.block_time_s, preset)
    files = [
        "--rollup.config",
        str(directory / ROLLUP_FILE),
        "--rollup.genesis",
        str(directory / GENESIS_FILE),
    ]
    common = (*files, "--l1.url", l1_url)
    cluster = Cluster(directory, l1, l1_url, network.rollup, await l1.block_number(), {}, common)
    keys = {
        name: str(write_key(directory / f"{name}.key", dev_private_key(index)))
        for name, index in (("sequencer", DEV_PROPOSER), ("batcher", DEV_BATCHER), ("proposer", DEV_PROPOSER))
    }
    feed = str(free_port(HOST))
    follow = ("--feed.url", f"ws://{HOST}:{feed}")
    arguments = {
        "sequencer": ("--keys.sequencer", keys["sequencer"], "--feed.port", feed),
        "batcher": ("--keys.batcher", keys["batcher"], *follow),
        "proposer": ("--keys.proposer", keys["proposer"]),
        "verifier": follow,
    }
    for role in ROLES:
        program = programs.get(role, PROGRAM)
        cluster.nodes[role] = cluster.add(role, "--role", role, *arguments[role], program=program)
    return cluster
