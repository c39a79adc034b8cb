"""The deployment plan: addresses, wiring, and the locked genesis allocation."""

import pytest

from genesis.addresses import batch_inbox
from genesis.contracts.artifact import read_artifact
from genesis.spec import OPEN_TOTAL_SUPPLY
from rollup_bridge.deploy import ARTIFACTS, FIRST_BONDS, contract_address, plan_deployment, predict_deployment
from tests.contracts.abi import Abi, address_of
from tests.contracts.machine import Machine
from tests.contracts.rollup import (
    DEPLOYER,
    DISPUTES,
    GENESIS_ALLOCATION,
    GENESIS_TIME_S,
    MINIMUM_STAKE,
    OWNER,
    PROPOSER,
    REWARDS,
    Rollup,
    deploy,
    parameters,
)


def test_contracts_name_each_other(rollup: Rollup) -> None:
    at = rollup.at
    assert address_of(rollup.portal.read("token")) == at.open_token
    assert address_of(rollup.portal.read("vault")) == at.open_vault
    assert address_of(rollup.portal.read("l2Oracle")) == at.output_oracle
    assert address_of(rollup.portal.read("systemConfig")) == at.system_config
    assert address_of(rollup.vault.read("portal")) == at.portal
    assert address_of(rollup.vault.read("token")) == at.open_token
    assert address_of(rollup.oracle.read("proposer")) == PROPOSER
    assert address_of(rollup.oracle.read("disputeGame")) == rollup.at.dispute_game
    assert address_of(rollup.system_config.read("owner")) == OWNER
    assert rollup.oracle.read("startingTimestamp") == GENESIS_TIME_S
    assert at.batch_inbox == batch_inbox(31338)


def test_genesis_allocation_is_locked_and_accounted(rollup: Rollup) -> None:
    assert rollup.token.read("totalSupply") == OPEN_TOTAL_SUPPLY
    assert rollup.balance(rollup.at.open_vault) == GENESIS_ALLOCATION
    given = MINIMUM_STAKE + FIRST_BONDS * DISPUTES.bond_wei + REWARDS.fund_wei
    assert rollup.balance(DEPLOYER) == OPEN_TOTAL_SUPPLY - GENESIS_ALLOCATION - given
    assert rollup.vault.read("accountedDeposits") == GENESIS_ALLOCATION
    assert rollup.vault.read("payments") == 0


def test_deployment_from_a_later_nonce() -> None:
    machine = Machine()
    for _ in range(3):
        machine.transact(DEPLOYER, OWNER)
    later = deploy(machine, parameters(first_nonce=3))
    assert later.vault.read("accountedDeposits") == GENESIS_ALLOCATION
    assert later.at.open_token == contract_address(DEPLOYER, 3)


def test_vault_refuses_to_exist_without_the_allocation() -> None:
    machine = Machine()
    for transaction in plan_deployment(parameters()):
        if transaction.label.startswith("lock"):
            machine.state.increment_nonce(DEPLOYER)
            continue
        outcome = machine.transact(DEPLOYER, transaction.to, transaction.data)
        if transaction.label == "create OpenVault":
            break
    assert not outcome.ok
    error = Abi(read_artifact(ARTIFACTS, "OpenVault").abi).decode_error(outcome.output)
    assert error.name == "GenesisAllocationNotLocked"
    assert error.arguments == {"expected": GENESIS_ALLOCATION, "balance": 0}


def test_open_sent_to_the_vault_beforehand_does_not_stop_the_deployment() -> None:
    machine = Machine()
    plan = plan_deployment(parameters())
    at = predict_deployment(parameters())
    for transaction in plan[:4]:
        assert machine.transact(DEPLOYER, transaction.to, transaction.data).ok
    # Anybody who got hold of OPEN can do this; here it has to be the deployer, on another nonce.
    nonce = machine.state.get_nonce(DEPLOYER)
    token = Abi(read_artifact(ARTIFACTS, "OpenToken").abi)
    assert machine.transact(DEPLOYER, at.open_token, token.call_data("transfer", at.open_vault, 1)).ok
    machine.state.set_nonce(DEPLOYER, nonce)
    for transaction in plan[4:]:
        assert machine.transact(DEPLOYER, transaction.to, transaction.data).ok


def test_known_contract_address() -> None:
    creator = address_of("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert contract_address(creator, 1).hex() == "343c43a37d37dff08ae8c4a11544c718abb4fcf8"  # type: ignore[arg-type]  # plain bytes


@pytest.mark.parametrize(
    ("name", "value"), [("submission_interval", 0), ("l2_block_time_s", 0), ("l2_genesis_time_s", 2**40)]
)
def test_oracle_refuses_impossible_parameters(name: str, value: int) -> None:
    plan = plan_deployment(parameters(**{name: value}))
    outcome = Machine().transact(DEPLOYER, None, plan[1].data)
    assert (
        Abi(read_artifact(ARTIFACTS, "OutputOracle").abi).decode_error(outcome.output).name
        == "InvalidParameter"
    )
