"""Every block of code in `docs/clients.md`, run as it stands against the running network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from genesis.spec import DEV_L1_CHAIN_ID, DEV_L2_CHAIN_ID
from openledger_node.rpc.dev_refusals import refusals
from openledger_node.rpc.dispatch import RpcLimits
from tests.clients.programs import FOLDER, TIMEOUT_S, foundry, require_npm
from tests.integration.network import DevNode

PAGE = (FOLDER.parents[1] / "docs/clients.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = {
    "sh": (["bash", "-euo", "pipefail"], FOLDER / "foundry"),
    "js": (["node", "--input-type=module"], FOLDER),
    "python": ([sys.executable, "-"], FOLDER),
}
MEBIBYTE = 1024 * 1024


@pytest.mark.npm
@pytest.mark.parametrize(("language", "code"), BLOCKS, ids=[language for language, _ in BLOCKS])
def test_code_runs(language: str, code: str, dev_node: DevNode, tmp_path: Path) -> None:
    require_npm()
    command, folder = COMMANDS[language]
    address = dev_node.url("rpc").removeprefix("http://")
    tools = os.pathsep.join(str(Path(foundry(tool)).parent) for tool in ("cast", "forge"))
    places = {f"FOUNDRY_{name}": str(tmp_path / name) for name in ("OUT", "CACHE_PATH", "BROADCAST")}
    finished = subprocess.run(
        command,
        input=code.replace("127.0.0.1:8545", address),
        cwd=folder,
        env={**os.environ, **places, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_every_language_is_run() -> None:
    assert {language for language, _ in BLOCKS} == set(COMMANDS)
    assert len(BLOCKS) == 5


def test_numbers_are_those_of_the_node() -> None:
    limits = RpcLimits()
    told = (
        f"{limits.request_bytes // MEBIBYTE} MiB, batches of {limits.batch_requests:,}, "
        f"answers of {limits.response_bytes // MEBIBYTE} MiB, calls of {limits.answer_time_s:.0f} seconds"
    )
    assert told in PAGE
    assert f"| chain id | {DEV_L2_CHAIN_ID} |" in PAGE
    assert f"chain id {DEV_L1_CHAIN_ID} |" in PAGE


def test_every_refusal_of_the_test_client_is_told() -> None:
    names = {name.split("_")[1] for name in refusals()} - {"setChainId"}
    assert all(f"`{name}`" in PAGE for name in names)
