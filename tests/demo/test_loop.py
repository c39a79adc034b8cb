"""The whole loop against a real development network: `demo --json`, honest and with one false score."""

import json
import subprocess
from typing import Any

import pytest

from openledger_node.demo.data import ROLES
from openledger_node.demo.records import DemoResult
from tests.demo.shape import differences
from tests.integration.network import COMMAND, DevNode

PATIENCE_S = 180


def run_demo(node: DevNode, *arguments: str) -> dict[str, Any]:
    command = [str(COMMAND), "demo", "--json", "--rpc", node.url("rpc"), "--l1", node.url("l1")]
    command += ["--gateway", node.url("gateway"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr[-2_000:] + node.log_tail()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def honest(demo_node: DevNode) -> dict[str, Any]:
    return run_demo(demo_node)


def test_every_check_holds(honest: dict[str, Any]) -> None:
    assert honest["ok"], honest["checks"]


def test_the_json_is_what_the_records_say(honest: dict[str, Any]) -> None:
    assert differences(DemoResult, honest) == []
    assert [row["role"] for row in honest["contributors"]] == list(ROLES)
    assert honest["inferences"] >= 50
    assert {each["chain"] for each in honest["transactions"]} == {"L1", "L2"}
    assert honest["dishonest"] is None


def test_the_copy_and_the_wrong_labels_do_not_pay(honest: dict[str, Any]) -> None:
    assert honest["copy_of_original"] < 0.1
    assert honest["wrong_label_of_clean"] < 0.5
    earned = [int(row["earned_wei"]) for row in honest["contributors"]]
    assert min(earned[:3]) > earned[3] > earned[4]


def test_every_transaction_is_on_its_chain(demo_node: DevNode, honest: dict[str, Any]) -> None:
    assert len({each["hash"] for each in honest["transactions"]}) == len(honest["transactions"]) > 30
    for each in honest["transactions"]:
        layer = {"L1": "l1", "L2": "rpc"}[each["chain"]]
        receipt = demo_node.rpc("eth_getTransactionReceipt", each["hash"], on=layer)
        assert receipt["status"] == "0x1", each


def test_one_false_score_is_caught(demo_node: DevNode) -> None:
    result = run_demo(demo_node, "--dishonest-provider", "--seed", "2")
    assert result["ok"], result["checks"]
    assert differences(DemoResult, result) == []
    false = result["dishonest"]
    assert false["true_score"] != false["posted_score"]
    assert int(false["stake_before_wei"]) - int(false["stake_after_wei"]) == int(false["slashed_wei"]) > 0
    assert false["paid_from_false_post_wei"] == "0"
    assert false["correct_post_id"] > false["false_post_id"]
    receipt = demo_node.rpc("eth_getTransactionReceipt", false["challenge_transaction"])
    assert receipt["status"] == "0x1"
