"""Ctrl-C at any moment: everything ends in under ten seconds, with exit code 0 and without a trace."""

import asyncio
import random
import signal
import socket
import threading
import time
from pathlib import Path

import aiohttp
import pytest
import requests

from tests.integration.network import DevNode, wait_until
from tests.integration.processes import process_of, processes_of
from tests.integration.running_demo import RunningDemo
from tests.integration.services import service

STOP_S = 10.0
FORCED_S = 2.0
NOISE = ("Traceback", "Unclosed", "was destroyed", "never retrieved", "never awaited", "Exception ignored")


def assert_quiet(node: DevNode) -> None:
    """Neither the node nor a child left a trace in its log, and none is left."""
    wait_until(lambda: not processes_of(node.datadir), "the children's end", STOP_S, poll_s=0.05)
    for log in [node.datadir / "dev.log", *sorted(node.datadir.glob("logs/*.log"))]:
        text = log.read_text()
        assert not [noise for noise in NOISE if noise in text], f"{log.name}: {text[-3_000:]}"


def interrupt(node: DevNode) -> None:
    seconds = node.stop(signal.SIGINT)
    print(f"stopped after {seconds:.1f} s")
    assert seconds < STOP_S
    assert_quiet(node)


@pytest.mark.parametrize("sign", ["the first second", "l1", "contracts", "validator"])
def test_interrupted_while_starting(tmp_path: Path, sign: str) -> None:
    node = DevNode(tmp_path / "dev")
    node.launch()
    try:
        match sign:
            case "the first second":
                time.sleep(1.0)
            case "contracts":
                wait_until((node.datadir / "rollup.json").exists, sign, poll_s=0.02)
            case part:
                wait_until(lambda: process_of(node.datadir, part), sign, poll_s=0.02)
        interrupt(node)
    finally:
        node.close()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_interrupted_at_random_moments_of_the_start(tmp_path: Path) -> None:
    dice, node = random.Random(7), DevNode(tmp_path / "dev")
    try:
        for _ in range(20):
            moment_s = dice.uniform(0.5, 15)
            print(f"interrupt after {moment_s:.2f} s")
            node.launch()
            time.sleep(moment_s)
            interrupt(node)
        node.start()
        interrupt(node)
    finally:
        node.close()


def test_interrupted_at_work(tmp_path: Path) -> None:
    """With a demo, a subscription and requests under way."""
    node = DevNode(tmp_path / "dev").start()
    demo = RunningDemo(node)
    try:
        demo.wait_for_step("The Model Factory trains")
        listening = threading.Thread(target=lambda: asyncio.run(subscribe(node)))
        asking = threading.Thread(target=lambda: ask_until_gone(node))
        for thread in (listening, asking):
            thread.start()
        time.sleep(0.5)
        interrupt(node)
        for thread in (listening, asking):
            thread.join(STOP_S)
            assert not thread.is_alive()
        assert demo.exit_code(60) == 1
        assert "Traceback" not in demo.log()
        assert demo.errors[-1].startswith("error: ")
    finally:
        node.close()


def test_interrupted_while_an_l1_keeps_it_waiting(tmp_path: Path, dev_node: DevNode) -> None:
    """The L1's port takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        arguments = ["run", "--l1.url", f"http://127.0.0.1:{silent.getsockname()[1]}"]
        arguments += ["--rollup.config", str(dev_node.datadir / "rollup.json")]
        arguments += ["--rollup.genesis", str(dev_node.datadir / "genesis.json")]
        arguments += ["--http.port", "0", "--metrics.port", "0"]
        with service(tmp_path / "verifier.log", *arguments):
            connection, _ = silent.accept()
            start_s = time.monotonic()
        assert time.monotonic() - start_s < STOP_S
        connection.close()


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    node = DevNode(tmp_path / "dev")
    node.launch()
    try:
        wait_until(lambda: process_of(node.datadir, "verifier"), "a verifier", poll_s=0.02)
        node.signal(signal.SIGINT)
        time.sleep(0.05)
        start_s = time.monotonic()
        node.signal(signal.SIGINT)
        assert node.exit_code(STOP_S) in {0, 128 + signal.SIGINT}
        assert time.monotonic() - start_s < FORCED_S
        wait_until(lambda: not processes_of(node.datadir), "the children's end", STOP_S, poll_s=0.05)
    finally:
        node.close()


async def subscribe(node: DevNode) -> None:
    """Listen for heads until the node says goodbye."""
    async with aiohttp.ClientSession() as session, session.ws_connect(node.url("rpc")) as socket:
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
        async for _ in socket:
            pass


def ask_until_gone(node: DevNode) -> None:
    """Calls without a pause, each with a log search over the whole chain."""
    try:
        while True:
            node.rpc("eth_getLogs", {"fromBlock": "0x0"})
    except requests.RequestException:
        return
