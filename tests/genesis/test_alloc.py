"""Genesis allocations: balances, predeploys, precompile stubs and their storage."""

import pytest

from genesis.addresses import L1_BLOCK, MULTICALL3, POLICY, PRECOMPILE_STUB_CODE, PRECOMPILES, TREASURY
from genesis.alloc import AllocationError, l1_dev_allocation, l2_allocation, total_balance
from genesis.types import Address, Wei

ALICE, BOB = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
BALANCES = {ALICE: Wei(5), BOB: Wei(7)}


def test_l2_has_predeploys_stubs_and_balances() -> None:
    accounts = l2_allocation(BALANCES)
    assert accounts[ALICE].balance_wei == 5
    assert all(accounts[address].code == PRECOMPILE_STUB_CODE for address in PRECOMPILES)
    assert accounts[L1_BLOCK].code
    assert accounts[TREASURY].balance_wei == 0
    assert total_balance(accounts) == 12


def test_l1_has_preinstalls_and_balances_only() -> None:
    accounts = l1_dev_allocation(BALANCES)
    assert accounts[MULTICALL3].code
    assert accounts[BOB].balance_wei == 7
    assert not accounts.keys() & set(PRECOMPILES)
    assert L1_BLOCK not in accounts


def test_precompile_storage_is_set_without_zeros() -> None:
    accounts = l2_allocation(BALANCES, {POLICY: {1: 2, 3: 0}})
    assert accounts[POLICY].storage == {1: 2}
    assert accounts[POLICY].code == PRECOMPILE_STUB_CODE


def test_storage_needs_code() -> None:
    with pytest.raises(AllocationError, match="0a0a"):
        l2_allocation(BALANCES, {ALICE: {0: 1}})


def test_contracts_start_without_balance() -> None:
    with pytest.raises(AllocationError, match=TREASURY.hex()):
        l2_allocation({TREASURY: Wei(1)})


def test_allocations_do_not_share_state() -> None:
    first, second = l2_allocation(BALANCES), l2_allocation(BALANCES)
    assert first == second
    first[POLICY].storage[9] = 9
    assert second[POLICY].storage == {}
