"""Foundry's invariants over the money of the L1 and of the economy (tests/forge), with our own compiler."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.programs import foundry, require_npm

pytestmark = pytest.mark.npm

REPOSITORY = Path(__file__).parents[2]
FORGE = REPOSITORY / "tests" / "forge"
PATIENCE_S = 600
INVARIANTS = (
    "invariant_theVaultOwesNothingItHasNot",
    "invariant_everyWithdrawalIsPaidAtMostOnce",
    "invariant_thePortalHoldsAndApprovesNothing",
    "invariant_stakeIsAllThere",
    "test_oneRoundIsPaidOnce",
    "invariant_wrappedOpenIsAllThere",
    "invariant_votesAreAllThere",
    "invariant_holdersShareNoMoreThanWasEarned",
    "invariant_grantsPromiseWhatTheyHave",
    "invariant_theKeyStaysWithinItsLimits",
    "test_everyStepMovesMoney",
    "invariant_bondsAreAllThere",
    "invariant_whatIsFinalStays",
    "invariant_disputesAreCounted",
    "test_aVerifierWithoutAJuryEndsAGame",
    "test_aRightStepKeepsTheRoot",
)


@pytest.mark.timeout(PATIENCE_S)
def test_money_is_conserved_whatever_the_fuzzer_does(tmp_path: Path) -> None:
    require_npm()
    environment = {
        **os.environ,
        "FOUNDRY_CONFIG": str(FORGE / "foundry.toml"),
        "FOUNDRY_SOLC": str(FORGE / "solc"),
        "FOUNDRY_OUT": str(tmp_path / "out"),
        "FOUNDRY_CACHE_PATH": str(tmp_path / "cache"),
        "NO_COLOR": "1",
    }
    finished = subprocess.run(
        [foundry("forge"), "test", "--root", str(REPOSITORY)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for name in INVARIANTS:
        assert f"[PASS] {name}()" in finished.stdout, finished.stdout
