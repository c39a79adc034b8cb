"""The instruction CLZ: how many zero bits a word begins with.

Source: EIP-7939.
"""

from typing import Any

from eth import constants
from eth.vm.opcode import as_opcode

CLZ_VALUE = 0x1E
_WORD_BITS = 256


def _count_leading_zeros(computation: Any) -> None:
    value: int = computation.stack_pop1_int()
    computation.stack_push_int(_WORD_BITS - value.bit_length())


CLZ = as_opcode(logic_fn=_count_leading_zeros, mnemonic="CLZ", gas_cost=constants.GAS_LOW)
