from openledger_node.chain.pool_view import PoolView, pooled
from tests.evm import world
from tests.evm.world import ALICE, BOB, CAROL, ROLLUP


def _authorization(chain_id: int) -> object:
    return BOB.account.sign_authorization({"chainId": chain_id, "address": "0x" + "11" * 20, "nonce": 0})


def test_a_delegated_account_is_told_from_a_contract_and_from_a_key() -> None:
    chain = world.open_chain()
    view = PoolView(chain)
    assert not view.account(BOB.address).is_delegated
    raw = ALICE.sign(ROLLUP, type=4, gas=200_000, authorizationList=[_authorization(ROLLUP.chain_id)])
    chain.import_block(world.inputs(chain, raw))
    assert view.account(ALICE.address).nonce == 0, "a head that nobody told the view of"
    view.move_to_head()
    bob, contract, carol = map(view.account, (BOB.address, world.STORE_ADDRESS, CAROL.address))
    assert (bob.has_code, bob.is_delegated) == (False, True)
    assert (contract.has_code, contract.is_delegated) == (True, False)
    assert (carol.has_code, carol.is_delegated) == (False, False)


def test_who_signed_an_authorization_that_holds_here() -> None:
    chain = world.open_chain()
    signed = [_authorization(chain_id) for chain_id in (ROLLUP.chain_id, 0, 1, ROLLUP.chain_id)]
    raw = ALICE.sign(ROLLUP, type=4, gas=400_000, authorizationList=signed)
    assert pooled(chain.engine.decode_transaction(raw), ROLLUP).authorities == (BOB.address,)
    assert pooled(chain.engine.decode_transaction(ALICE.sign(ROLLUP)), ROLLUP).authorities == ()
