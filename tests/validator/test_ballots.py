"""Ballots: the first one stays, accounts and chains are apart, and a kill at once loses nothing."""

import subprocess
import sys
from pathlib import Path

from genesis.types import Address, Hash32
from openledger_node.validator.ballots import Ballot, Ballots

JUROR, OTHER = Address(b"\x01" * 20), Address(b"\x02" * 20)
FIRST = Ballot(7, 1, 2, bytes(range(16)), Hash32(b"\x05" * 32))
KILLED = """
import os, signal, sys
from pathlib import Path
from openledger_node.validator.ballots import Ballot, Ballots
Ballots(Path(sys.argv[1]), 1, b"\\x01" * 20).keep(Ballot(7, 1, 2, bytes(range(16)), b"\\x05" * 32))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_first_ballot_of_a_round_stays(tmp_path: Path) -> None:
    file = Ballots(tmp_path, 1, JUROR)
    assert file.get(7, 1) is None
    assert file.keep(FIRST) == FIRST
    assert file.keep(Ballot(7, 1, 1, b"", Hash32(bytes(32)))) == FIRST
    assert file.get(7, 2) is None
    file.close()
    assert Ballots(tmp_path, 1, JUROR).get(7, 1) == FIRST


def test_accounts_and_chains_are_apart(tmp_path: Path) -> None:
    Ballots(tmp_path, 1, JUROR).keep(FIRST)
    assert Ballots(tmp_path, 2, JUROR).get(7, 1) is None
    assert Ballots(tmp_path, 1, OTHER).get(7, 1) is None


def test_a_process_killed_right_after_keeping_has_kept(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert Ballots(tmp_path, 1, JUROR).get(7, 1) == FIRST
