"""One soak from beginning to end: start, load and faults, rest, verdict."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.soak.faults import KINDS, Faults, plan
from benchmarks.soak.load import Load
from benchmarks.soak.processes import Cluster, running_cluster
from benchmarks.soak.verdict import Verdict, judge

START_PATIENCE_S = 120.0
REST_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`seconds` of faults, `rounds` of each kind; fewer than `least` survived, or `least_each` of a kind, is
    a failure."""

    seconds: float
    rounds: int
    least: int
    least_each: int


@dataclass
class Report:
    """`wrong` is empty for a soak that was passed."""

    load: Load
    faults: Faults
    verdict: Verdict
    wrong: list[str] = field(default_factory=list)

    def numbers(self) -> dict[str, Any]:
        recovery_s = sorted(self.faults.recovery_s)
        return {
            "survived": dict(self.faults.survived),
            "reorganised_blocks": sum(self.faults.depths),
            "recovery_median_s": round(median(recovery_s), 1) if recovery_s else None,
            "recovery_most_s": round(recovery_s[-1], 1) if recovery_s else None,
            "done": dict(self.load.done),
            "failed_attempts": dict(self.load.failed),
            "withdrawals_paid": len(self.load.paid),
            "height": self.verdict.height,
            "state_root": self.verdict.state_root,
            "fresh_node_derived_s": round(self.verdict.derived_s, 1),
            "outputs_compared": self.verdict.outputs,
            "origins_conserved": self.verdict.origins,
            "locked_wei": self.verdict.locked_wei,
        }


async def soak(settings: Settings, dice: Random, directory: Path) -> Report:
    """Run it all; raises TimeoutError naming nothing only if the network does not even start."""
    fault_plan = plan(dice, settings.rounds, settings.seconds)
    async with running_cluster(directory) as cluster:
        load, faults = Load(cluster, Random(dice.random())), Faults(cluster)
        await _until_up(cluster)
        users = asyncio.create_task(load.run())
        wrong = []
        try:
            await faults.run(fault_plan, settings.seconds)
            await faults.outlive(REST_PATIENCE_S)
        except TimeoutError:
            wrong.append(f"after {REST_PATIENCE_S:.0f} s not everything has recovered")
        finally:
            users.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await users
        try:
            await load.settle(REST_PATIENCE_S)
        except TimeoutError:
            wrong.append(f"{len(load.unpaid)} withdrawals are not paid: {load.unpaid[:3]}")
        verdict = Verdict()
        try:
            verdict = await judge(cluster, REST_PATIENCE_S)
        except TimeoutError:
            wrong.append(f"after {REST_PATIENCE_S:.0f} s the nodes are not at one chain")
        return Report(load, faults, verdict, [*wrong, *verdict.wrong, *_too_few(settings, faults)])


async def _until_up(cluster: Cluster) -> None:
    """Until every node has a safe block of its own making or deriving."""
    async with asyncio.timeout(START_PATIENCE_S):
        for node in cluster.nodes.values():
            while await node.height("safe") < 1:
                await asyncio.sleep(0.5)


def _too_few(settings: Settings, faults: Faults) -> list[str]:
    total = faults.survived.total()
    wrong = [f"{total} faults survived, not {settings.least}"] if total < settings.least else []
    for kind in KINDS:
        if (count := faults.survived[kind]) < settings.least_each:
            wrong.append(f"{kind}: {count} survived, not {settings.least_each}")
    return wrong
