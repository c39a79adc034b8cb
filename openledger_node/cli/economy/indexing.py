"""What `model index` and `factory publish` share: the stake that answers for an index."""

import sys
from decimal import Decimal

from genesis.spec import OPEN_UNIT
from openledger_node.cli.economy.session import Session
from openledger_node.client.economy import ROLE_PROVIDER, STAKING
from openledger_node.client.index_stake import missing_stake_wei
from openledger_node.errors import UserError

REMEDY = "add --stake to stake them, or let a staked provider sign (`model index-signer`)"


async def ensure_stake(opened: Session, model: int, *, adds: bool) -> None:
    """Stake what the signer's provider stake is short of, if it may; raises UserError otherwise."""
    missing_wei = await missing_stake_wei(opened.reader, (await opened.sender()).address, model)
    if missing_wei == 0:
        return
    amount = f"{Decimal(missing_wei) / OPEN_UNIT:f}"
    if not adds:
        raise UserError(f"an index's signer answers for it with provider stake: {amount} OPEN short", REMEDY)
    print(f"staking {amount} OPEN as a provider: it answers for the index", file=sys.stderr, flush=True)
    await opened.send(STAKING, "stake", ROLE_PROVIDER, value_wei=missing_wei)
