"""Every finding of slither over our Solidity has its reason, and every reason its finding."""

import json
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.clients.programs import require_npm

pytestmark = [pytest.mark.npm, pytest.mark.slow]

HERE = Path(__file__).parent
SLITHER = HERE.parents[1] / ".cache" / "slither" / "bin" / "python"
EXPLAINED: list[dict[str, str]] = json.loads((HERE / "explained.json").read_text())
PATIENCE_S = 900


@pytest.fixture(scope="module")
def findings() -> list[dict[str, str]]:
    """All findings, each with the source set it is in."""
    require_npm()
    if not SLITHER.exists():
        pytest.skip("slither is not installed: make .cache/slither/.installed")
    finished = subprocess.run(
        [str(SLITHER), str(HERE / "analyse.py")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(finished.stdout)
    return [finding | {"set": name} for name, each in found.items() for finding in each]


def explains(reason: dict[str, str], finding: dict[str, str]) -> bool:
    return all(fnmatchcase(finding[name], reason[name]) for name in ("check", "set", "where"))


@pytest.mark.timeout(PATIENCE_S)
def test_every_finding_is_explained(findings: list[dict[str, str]]) -> None:
    unexplained = [f for f in findings if not any(explains(reason, f) for reason in EXPLAINED)]
    assert unexplained == []


@pytest.mark.timeout(PATIENCE_S)
def test_every_reason_is_of_a_finding(findings: list[dict[str, str]]) -> None:
    idle = [reason for reason in EXPLAINED if not any(explains(reason, finding) for finding in findings)]
    assert idle == []
