"""Kill -9 at random moments: no sealed transaction lost, no second block, no payment twice, no orphans."""

import asyncio
import os
import random
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.integration.announcements import Announcements
from tests.integration.books import under_way, wrong_entries
from tests.integration.network import DevNode, wait_until
from tests.integration.processes import kill, process_of, processes_of
from tests.integration.running_demo import RunningDemo

ORPHAN_PATIENCE_S = 10.0
SLOW_KILLS = 20
DEMO_S = 45.0
L1_STEPS_S = 25.0
"""The demo speaks to the L1 itself later than this; it does not survive the L1's restart then."""
SETTLEMENT_S = 8.0
"""About how long a settlement is under way: computing, settling, posting, waiting, finalizing."""


@pytest.fixture(scope="module")
def dice() -> random.Random:
    """Every moment is drawn from one seed: set OPENLEDGER_CRASH_SEED to draw the same again."""
    seed = int(os.environ.get("OPENLEDGER_CRASH_SEED") or secrets.randbits(32))
    print(f"OPENLEDGER_CRASH_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    with DevNode(tmp_path_factory.mktemp("crash")) as node:
        yield node


def kill_and_restart(node: DevNode, told: Announcements) -> None:
    """SIGKILL the node, see that its children end with it, start it again, compare with what it told."""
    node.kill()
    start_s = time.monotonic()
    wait_until(lambda: not processes_of(node.datadir), "the children's end", ORPHAN_PATIENCE_S, poll_s=0.05)
    orphans_s = time.monotonic() - start_s
    start_s = time.monotonic()
    node.start()
    serving_s = time.monotonic() - start_s
    print(f"children gone after {orphans_s:.1f} s; up after {serving_s:.1f} s; {len(told.blocks)} blocks")
    assert told.lost(node) == []


def kill_child(node: DevNode, part: str) -> None:
    """SIGKILL one child and see that another takes its place."""
    pid = wait_until(lambda: process_of(node.datadir, part), f"a living {part}", poll_s=0.05)
    kill(pid)
    wait_until(
        lambda: process_of(node.datadir, part) not in {None, pid}, f"another {part} after {pid}", poll_s=0.05
    )


def assert_settled(node: DevNode) -> None:
    """What was under way at the kill is finished now, once."""
    wait_until(lambda: not under_way(node), "the end of all settlements", 60.0)
    assert asyncio.run(wrong_entries(node)) == []


def assert_verified(node: DevNode, height: int) -> None:
    """The verifier derived the same blocks from the L1 alone, and every unit of OPEN is accounted for."""

    def verified() -> bool:
        try:
            safe = node.rpc("eth_getBlockByNumber", "safe", False, on="verifier")
        except requests.ConnectionError:
            return False  # still starting
        return int(safe["number"], 16) >= height

    wait_until(verified, f"the verifier at block {height}", 120.0)
    for number in range(height + 1):
        own, derived = (
            node.rpc("eth_getBlockByNumber", hex(number), False, on=on) for on in ("rpc", "verifier")
        )
        assert own["hash"] == derived["hash"], number
    ready = requests.get(f"{node.url('metrics')}/readyz?verbose", timeout=30)
    assert ready.status_code == 200, ready.text
    assert metric(node, "openledger_conservation_gap_wei") == 0


def metric(node: DevNode, name: str) -> float:
    text = requests.get(f"{node.url('metrics')}/metrics", timeout=30).text
    found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


@pytest.mark.slow
def test_killed_during_the_demo_and_during_a_settlement(network: DevNode, dice: random.Random) -> None:
    told = Announcements()
    for step, most_s in (("They commit", 12.0), ("The provider settles", SETTLEMENT_S)):
        moment_s = dice.uniform(0, most_s)
        demo = RunningDemo(network)
        with told.following(network):
            demo.wait_for_step(step)
            print(f"kill {moment_s:.2f} s into '{step}'")
            time.sleep(moment_s)
            kill_and_restart(network, told)
        demo.end()
    height = max(told.blocks)
    assert_settled(network)
    assert_verified(network, height)


@pytest.mark.slow
def test_the_demo_completes_though_every_child_is_killed(network: DevNode, dice: random.Random) -> None:
    told = Announcements()
    latest_s = {"worker": DEMO_S, "verifier": DEMO_S, "validator": DEMO_S, "l1": L1_STEPS_S}
    kills = sorted((dice.uniform(0, most_s), part) for part, most_s in latest_s.items())
    demo = RunningDemo(network)
    demo.wait_for_step("Five contributors")
    start_s = time.monotonic()
    with told.following(network):
        for moment_s, part in kills:
            time.sleep(max(0.0, start_s + moment_s - time.monotonic()))
            print(f"kill {part} in '{demo.steps[-1]}'")
            kill_child(network, part)
        result = demo.result()
    assert result["ok"]
    assert all(result["checks"].values()), result["checks"]
    assert told.lost(network) == []
    assert_settled(network)
    assert_verified(network, max(told.blocks))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_again_and_again(tmp_path: Path, dice: random.Random) -> None:
    node, told = DevNode(tmp_path / "dev").start(), Announcements()
    try:
        for number in range(SLOW_KILLS):
            moment_s = dice.uniform(0, DEMO_S)
            demo = RunningDemo(node)
            with told.following(node):
                time.sleep(moment_s)
                print(f"kill {number} after {moment_s:.2f} s in '{demo.steps[-1] if demo.steps else ''}'")
                kill_and_restart(node, told)
            demo.end()
        assert_settled(node)
        assert RunningDemo(node).result()["ok"]
        assert_settled(node)
        assert_verified(node, max(told.blocks))
    finally:
        node.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_while_starting(tmp_path: Path, dice: random.Random) -> None:
    node = DevNode(tmp_path / "dev")
    for number in range(8):
        moment_s = dice.uniform(0, 12)
        print(f"kill {number} after {moment_s:.2f} s of starting")
        node.launch()
        time.sleep(moment_s)
        node.kill()
        wait_until(lambda: not processes_of(node.datadir), "the children's end", 30.0, poll_s=0.05)
    try:
        node.start()
        assert RunningDemo(node).result()["ok"]
        assert_verified(node, int(node.rpc("eth_blockNumber"), 16) - 10)
    finally:
        node.close()
