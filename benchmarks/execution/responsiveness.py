"""How long `eth_blockNumber` takes while blocks are full.

    OMP_NUM_THREADS=1 python -m benchmarks.execution.responsiveness [--seconds 30]

One connection sends transfers in batches of 100 as fast as they are taken, a second one, in a process of its
own, asks for the block number every 5 ms. Counted are the questions asked from the first to the last block
that is at least 90 % full, beside the same number of questions to the idle node.
"""

import argparse
import http.client
import json
import multiprocessing
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any
from urllib.parse import urlsplit

from benchmarks.execution.transfers import Connection, dev_network, plain_ethereum
from benchmarks.execution.workload import machine, transfers
from genesis.networks import DEV_ACCOUNT_COUNT
from genesis.spec import DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID
from openledger_node.client.account import dev_account

BATCH = 100
BATCHES_AHEAD = 45
"""Unmined transfers that are kept waiting, in batches: three full blocks of a second."""
ASK_EVERY_S = 0.005
FULL = 0.9
IDLE_S = 5.0
QUESTION = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []})


def ask(url: str, pipe: Pipe) -> None:
    """Ask until told to stop; then tell (asked at, seconds taken) of every question."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    taken: list[tuple[float, float]] = []
    while not pipe.poll():
        started_s = time.monotonic()
        connection.request("POST", "/", QUESTION, {"content-type": "application/json"})
        connection.getresponse().read()
        taken.append((started_s, time.monotonic() - started_s))
        time.sleep(ASK_EVERY_S)
    pipe.send(taken)


@dataclass(frozen=True)
class Figures:
    """Milliseconds."""

    questions: int
    median: float
    p99: float
    worst: float

    @classmethod
    def of(cls, taken_s: list[float]) -> "Figures":
        ordered = sorted(value * 1_000 for value in taken_s)
        p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        return cls(len(ordered), statistics.median(ordered), p99, ordered[-1])

    def __str__(self) -> str:
        return f"{self.questions} | {self.median:.1f} | {self.p99:.1f} | {self.worst:.1f}"


@dataclass(frozen=True)
class Run:
    idle: Figures
    busy: Figures
    full_blocks: int
    blocks: int


def measure(url: str, chain_id: int, seconds: float) -> Run:
    ours, theirs = multiprocessing.Pipe()
    asker = multiprocessing.Process(target=ask, args=(url, theirs))
    asker.start()
    time.sleep(IDLE_S)
    busy_from_s = time.monotonic()
    times, full, blocks = _load(Connection(url), chain_id, seconds)
    ours.send(None)
    taken = ours.recv()
    asker.join()
    idle = [value for at_s, value in taken if busy_from_s - IDLE_S + 1 < at_s < busy_from_s]
    busy = [value for at_s, value in taken if times[0] <= at_s <= times[-1]]
    return Run(Figures.of(idle), Figures.of(busy), full, blocks)


def _load(connection: Connection, chain_id: int, seconds: float) -> tuple[list[float], int, int]:
    """Keep blocks full; returns when each full one was seen, and how many of how many were. Without any, the
    times are those of all blocks: the machine is too busy for full ones."""
    sent, seen_full, seen_any = 0, [], []
    sender = "0x" + dev_account(0).address.hex()
    [last] = connection.batch("eth_getBlockByNumber", [["latest", False]])
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        [nonce], [head] = (
            connection.batch("eth_getTransactionCount", [[sender, "latest"]]),
            connection.batch("eth_getBlockByNumber", [["latest", False]]),
        )
        if head["hash"] != last["hash"]:
            last = head
            seen_any.append(time.monotonic())
            if int(head["gasUsed"], 16) >= FULL * int(head["gasLimit"], 16):
                seen_full.append(seen_any[-1])
        if sent - int(nonce, 16) * DEV_ACCOUNT_COUNT < BATCHES_AHEAD * BATCH:
            raws = transfers(chain_id, BATCH, sent // DEV_ACCOUNT_COUNT)
            connection.batch("eth_sendRawTransaction", [["0x" + raw.hex()] for raw in raws])
            sent += BATCH
        else:
            time.sleep(0.01)
    times = seen_full if len(seen_full) > 1 else seen_any
    return times, len(seen_full), len(seen_any)


def report(seconds: float) -> None:
    subjects: list[tuple[str, int, Callable[[], AbstractContextManager[Any]]]] = [
        ("dev", DEV_L2_CHAIN_ID, dev_network),
        ("ethereum", DEV_L1_CHAIN_ID, plain_ethereum),
    ]
    print("| subject | | questions | median ms | p99 ms | worst ms |")
    print("| --- | --- | --: | --: | --: | --: |")
    for name, chain_id, opened in subjects:
        with opened() as url:
            run = measure(url, chain_id, seconds)
        print(f"| {name} | idle | {run.idle} |")
        print(f"| {name} | {run.full_blocks} of {run.blocks} blocks full | {run.busy} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of load, per subject")
    arguments = parser.parse_args()
    print(f"command: python -m benchmarks.execution.responsiveness {shlex.join(sys.argv[1:])}")
    print(f"machine: {machine()}\n")
    report(arguments.seconds)


if __name__ == "__main__":
    main()
