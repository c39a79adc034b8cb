"""The loop on text against a real development network: `demo --text --json` on the small base."""

import json
import subprocess
from typing import Any

import pytest

from openledger_node.demo.text.records import TextDemoResult
from tests.demo.shape import differences
from tests.integration.network import COMMAND, DevNode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]

PATIENCE_S = 3_500
"""The base is pre-trained first where it is not cached; the demo itself is limited to 600 s."""


@pytest.fixture(scope="module")
def shown(demo_node: DevNode) -> dict[str, Any]:
    subprocess.run([str(COMMAND), "factory", "base"], check=True, timeout=PATIENCE_S)
    command = [str(COMMAND), "demo", "--text", "--json", "--rpc", demo_node.url("rpc")]
    command += ["--l1", demo_node.url("l1"), "--gateway", demo_node.url("gateway")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr[-2_000:] + demo_node.log_tail()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_every_check_holds(shown: dict[str, Any]) -> None:
    assert shown["ok"], shown["checks"]
    assert differences(TextDemoResult, shown) == []


def test_the_adapter_beats_its_base_on_three_seeds(shown: dict[str, Any]) -> None:
    assert len(shown["runs"]) == 3
    for run in shown["runs"]:
        assert run["holdout_loss"] < run["base_holdout_loss"]
        assert run["last_loss"] < run["first_loss"]


def test_answers_carry_passages_of_the_records(shown: dict[str, Any]) -> None:
    spans = [span for row in shown["answers"] for span in row["spans"]]
    assert spans
    accounts = {row["account"] for row in shown["contributors"]}
    assert {span["contributor"] for span in spans} <= accounts


def test_it_takes_less_than_ten_minutes(shown: dict[str, Any]) -> None:
    assert shown["base"]["was_cached"]
    assert sum(step["seconds"] for step in shown["steps"]) < 600.0
