"""What an account is in a genesis block."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """One account before the first block; `storage` maps slot to value, zeros left out."""

    balance_wei: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)
