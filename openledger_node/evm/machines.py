"""Which machine runs the code of which fork: py-evm's, with our changes in front.

Forks that only moved the difficulty bomb share their predecessor's machine.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from eth.exceptions import OutOfGas
from eth.vm.forks.berlin.computation import BerlinComputation
from eth.vm.forks.byzantium.computation import ByzantiumComputation
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.constantinople.computation import ConstantinopleComputation
from eth.vm.forks.frontier.computation import FrontierComputation
from eth.vm.forks.homestead.computation import HomesteadComputation
from eth.vm.forks.istanbul.computation import IstanbulComputation
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.paris.computation import ParisComputation
from eth.vm.forks.petersburg.computation import PetersburgComputation
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.shanghai.computation import ShanghaiComputation
from eth.vm.forks.shanghai.constants import MAX_INITCODE_SIZE
from eth.vm.forks.spurious_dragon.computation import SpuriousDragonComputation
from eth.vm.forks.tangerine_whistle.computation import TangerineWhistleComputation

from genesis.forks import Fork
from genesis.types import Address
from openledger_node.evm.ethereum_precompiles import (
    MODEXP,
    MODEXP_BERLIN,
    MODEXP_BYZANTIUM,
    PRECOMPILES,
    Precompile,
)
from openledger_node.evm.leading_zeros import CLZ, CLZ_VALUE
from openledger_node.evm.vm import Changes

_CREATIONS = (0xF0, 0xF5)


def _with_size_check(opcodes: dict[int, Any]) -> dict[int, Any]:
    """CREATE and CREATE2 that refuse initcode that is too large before anything else (EIP-3860); py-evm first
    looks whether the creator has the money."""
    return {**opcodes, **{opcode: _size_checked(opcodes[opcode]) for opcode in _CREATIONS}}


def _size_checked(creation: Any) -> Any:
    def get_gas_cost(self: Any, data: Any) -> int:
        if data.memory_length > MAX_INITCODE_SIZE:
            raise OutOfGas("initcode is too large")
        gas: int = creation.get_gas_cost(data)
        return gas

    return type(creation.__class__.__name__, (type(creation),), {"get_gas_cost": get_gas_cost})()


class CancunMachine(Changes, CancunComputation):  # type: ignore[misc]  # py-evm is untyped here
    opcodes: ClassVar[dict[int, Any]] = _with_size_check(CancunComputation.opcodes)
    _precompiles: ClassVar[Mapping[Address, Any]] = PRECOMPILES[Fork.CANCUN]


class PragueMachine(Changes, PragueComputation):  # type: ignore[misc]  # py-evm is untyped here
    opcodes: ClassVar[dict[int, Any]] = _with_size_check(PragueComputation.opcodes)
    _precompiles: ClassVar[Mapping[Address, Any]] = PRECOMPILES[Fork.PRAGUE]


class OsakaMachine(Changes, PragueComputation):  # type: ignore[misc]  # py-evm ends at Prague
    opcodes: ClassVar[dict[int, Any]] = {**PragueMachine.opcodes, CLZ_VALUE: CLZ}
    _precompiles: ClassVar[Mapping[Address, Any]] = PRECOMPILES[Fork.OSAKA]


def _older(computation: Any, modexp: Precompile = MODEXP_BYZANTIUM) -> Any:
    """A machine with py-evm's own precompiles, whose prices were others then, but for MODEXP."""
    precompiles = computation.get_precompiles()
    if MODEXP in precompiles:
        precompiles = {**precompiles, MODEXP: modexp}
    name = computation.__name__.replace("Computation", "Machine")
    return type(name, (Changes, computation), {"_precompiles": precompiles})


_LONDON = _older(LondonComputation, MODEXP_BERLIN)
_ISTANBUL = _older(IstanbulComputation)
_SHANGHAI = _older(ShanghaiComputation, MODEXP_BERLIN)
_SHANGHAI.opcodes = _with_size_check(ShanghaiComputation.opcodes)

MACHINES: Mapping[Fork, Any] = {
    Fork.FRONTIER: _older(FrontierComputation),
    Fork.HOMESTEAD: _older(HomesteadComputation),
    Fork.TANGERINE_WHISTLE: _older(TangerineWhistleComputation),
    Fork.SPURIOUS_DRAGON: _older(SpuriousDragonComputation),
    Fork.BYZANTIUM: _older(ByzantiumComputation),
    Fork.CONSTANTINOPLE: _older(ConstantinopleComputation),
    Fork.PETERSBURG: _older(PetersburgComputation),
    Fork.ISTANBUL: _ISTANBUL,
    Fork.MUIR_GLACIER: _ISTANBUL,
    Fork.BERLIN: _older(BerlinComputation, MODEXP_BERLIN),
    Fork.LONDON: _LONDON,
    Fork.ARROW_GLACIER: _LONDON,
    Fork.GRAY_GLACIER: _LONDON,
    Fork.PARIS: _older(ParisComputation, MODEXP_BERLIN),
    Fork.SHANGHAI: _SHANGHAI,
    Fork.CANCUN: CancunMachine,
    Fork.PRAGUE: PragueMachine,
    Fork.OSAKA: OsakaMachine,
}
