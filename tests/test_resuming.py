"""A stopped run goes on where it was: what passed is left out, what failed is not."""

from pathlib import Path

import pytest

from tests.resuming import PassedLog

pytest_plugins = ["pytester"]


def test_what_passed_is_left_out_and_what_failed_runs_again(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    log = tmp_path / "passed"
    pytester.makepyfile("def test_right(): pass\ndef test_wrong(): assert False\n")
    first = pytester.inline_run(plugins=[PassedLog(log)])
    first.assertoutcome(passed=1, failed=1)
    assert [line.rpartition("::")[2] for line in log.read_text().splitlines()] == ["test_right"]
    again = pytester.inline_run(plugins=[PassedLog(log)])
    again.assertoutcome(failed=1)
