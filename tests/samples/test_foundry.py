"""A Foundry project that has our package in `node_modules`, as a user would."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.programs import foundry, require_npm
from tests.precompiles.artifacts import SOLIDITY

pytestmark = [pytest.mark.npm, pytest.mark.slow]

SAMPLE = Path(__file__).with_name("foundry")
COMPILER = Path(__file__).parents[1] / "forge" / "solc"
PATIENCE_S = 400


@pytest.mark.timeout(PATIENCE_S)
def test_its_tests_pass_with_the_packages_twins(tmp_path: Path) -> None:
    require_npm()
    project = tmp_path / "project"
    shutil.copytree(SAMPLE, project)
    shutil.copytree(SOLIDITY, project / "node_modules" / "@openledger" / "precompiles")
    finished = subprocess.run(
        [foundry("forge"), "test"],
        cwd=project,
        env={**os.environ, "FOUNDRY_SOLC": str(COMPILER), "FOUNDRY_OFFLINE": "true", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "3 tests passed, 0 failed, 0 skipped" in finished.stdout
