"""Gas: one table, charged before any effect, enough for what is touched, the same in the twins' library."""

from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, INFERENCE_METERING, POLICY, PRECOMPILES
from precompiles import gas
from precompiles.contract import UNKNOWN_FUNCTION_SELECTOR
from precompiles.table import CONTRACTS
from tests.precompiles.calls import call, method
from tests.precompiles.economy import Economy
from tests.precompiles.gas_tables import LIBRARY, library_source
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.scene import Scene
from tests.precompiles.world import Call, NativeMachine


def test_the_twins_library_is_the_table() -> None:
    assert LIBRARY.read_text() == library_source()


def test_every_method_has_a_price_and_no_price_is_left_over() -> None:
    tables = (
        (gas.ATTRIBUTION, "Attribution"),
        (gas.DATANET_REGISTRY, "DatanetRegistry"),
        (gas.MODEL_REGISTRY, "ModelRegistry"),
        (gas.INFERENCE_METERING, "InferenceMetering"),
        (gas.STAKING, "Staking"),
        (gas.POLICY, "Policy"),
        (gas.PRECOMPILE_REGISTRY, "PrecompileRegistry"),
    )
    for prices, name in tables:
        contract = next(each for each in CONTRACTS.values() if each.name == name)
        assert set(prices) == {method.name for method in contract.methods}


def test_gas_of_is_what_a_call_uses() -> None:
    scene = Scene()
    settlement_id = scene.settle(scene.channel())
    posted = scene.prepare_post([settlement_id])
    sender = scene.provider.address
    sent = call(sender, ATTRIBUTION, "post", *scene.post_arguments(posted))
    used = scene.machine.call(sent).gas_used
    counts = [gas.words(sent.data), 1, 1 + 1]
    uri_words = gas.words(b"sha256:44")
    counts[2] = uri_words
    assert scene.read(ATTRIBUTION, "gasOf", method(ATTRIBUTION, "post").selector, counts) == used


def test_gas_of_takes_missing_counts_as_zero_and_ignores_surplus() -> None:
    scene = Scene()
    selector = method(POLICY, "publish").selector
    base = scene.read(POLICY, "gasOf", selector, [])
    assert base == gas.CALL + gas.POLICY["publish"].base
    assert scene.read(POLICY, "gasOf", selector, [0, 9, 9]) == base
    assert scene.read(POLICY, "gasOf", selector, [2**256 - 1]) == base + gas.INPUT_WORD * 2**64
    unknown = UNKNOWN_FUNCTION_SELECTOR(b"\1\2\3\4").data
    assert scene.refuse(scene.owner, POLICY, "gasOf", b"\1\2\3\4", []) == unknown


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_price_covers_what_the_call_touches(seed: int) -> None:
    machine = NativeMachine(TEST_POLICY)
    economy = Economy(seed, machine)
    for account in economy.accounts:
        machine.fund(account.address, 10**24)
    for _ in range(200):
        machine.moment = economy.next_moment()
        outcome = machine.call(economy.next_call())
        economy.learn(outcome)
        if outcome.succeeded:
            _check_covered(machine)


def _check_covered(machine: NativeMachine) -> None:
    host = machine.last_host
    assert host is not None
    units = {"load": gas.SLOT_READ, "store": gas.SLOT_WRITE, "log": gas.LOG, "transfer": gas.TRANSFER}
    needed = sum(units[effect] * count for effect, count in host.touched.items())
    assert host.gas_used >= needed, (host.touched, host.gas_used, needed)


def test_out_of_gas_leaves_no_trace_at_any_gas() -> None:
    scene = Scene()
    datanet_id = scene.datanet()
    sent = call(scene.owner.address, DATANET_REGISTRY, "setCurator", datanet_id, scene.payer.address, True)
    _check_every_gas(scene, sent, step=7)


def test_out_of_gas_moves_no_money() -> None:
    scene = Scene()
    channel_id = scene.channel()
    arguments = scene.settle_arguments(channel_id)
    _check_every_gas(scene, call(scene.provider.address, INFERENCE_METERING, "settle", *arguments), step=503)


def _check_every_gas(scene: Scene, sent: Call, step: int) -> None:
    """Below its price a call changes nothing; at its price it succeeds."""
    machine = scene.native
    before = (
        {address: machine.storage(address) for address in PRECOMPILES},
        dict(machine.balances),
    )
    limit = 0
    while True:
        outcome = machine.call(sent, gas_limit=limit)
        if outcome.succeeded:
            break
        assert outcome.data is None
        assert not outcome.logs
        after = ({address: machine.storage(address) for address in PRECOMPILES}, machine.balances)
        assert after == before
        limit += step
    assert limit - step < outcome.gas_used <= limit
