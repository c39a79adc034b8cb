"""Every method that an account can call is sent once as a forced deposit from the L1.

The tests are in the modules named here, each with the methods it sends; interfaces say which there are.
"""

from precompiles.table import CONTRACTS
from tests.economy import (
    test_forced_indexes,
    test_forced_juries,
    test_forced_money,
    test_forced_posts,
)

MODULES = (test_forced_indexes, test_forced_juries, test_forced_money, test_forced_posts)
FOR_NO_ACCOUNT = {
    "Policy.publish": "the timelock's, a contract of the L2",
    "Policy.scheduleFork": "the timelock's",
    "Policy.cancelFork": "the timelock's",
    "InferenceMetering.markDelivered": "the CallbackCaller's, a contract of the L2",
}
"""Methods that nobody on the L1 can call, and why."""


def test_no_method_is_left_out() -> None:
    tests = [each for module in MODULES for name, each in vars(module).items() if name.startswith("test_")]
    sent = {name for test in tests for name in getattr(test, "sends", ())}
    methods = {
        f"{contract.name}.{method.name}"
        for contract in CONTRACTS.values()
        for method in contract.methods
        if method.mutability != "view"
    }
    assert methods - sent == set(FOR_NO_ACCOUNT)
    assert sent <= methods
