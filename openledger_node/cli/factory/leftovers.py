"""What the gateway's data directory holds for nobody, by command: shown, and removed."""

from math import isfinite

from openledger_node.cli.economy.session import DEFAULTS, Flat, session
from openledger_node.errors import UserError


async def clean(*, older_than_days: float = 14.0, remove: bool = False, options: Flat = DEFAULTS) -> None:
    """Show what nobody needs any more in the gateway's data directory, with sizes; `--remove` removes it.

    Checkpoints of runs that do not go on, files that a killed worker left half made, and artefacts that no
    model, Datanet, settlement, receipt or job names. A bucket behind the directory keeps everything.

    Parameters
    ----------
    older_than_days
        What was written or put again since then stays, an hour at least.
    remove
        Remove what is shown.
    """
    if not isfinite(older_than_days):
        raise UserError(f"{older_than_days} is not a number of days", "write 14 or 0.5")
    async with session(options) as opened:
        body = {"ageS": max(0, round(older_than_days * 86_400)), "removes": remove}
        opened.show(await opened.gateway.post("/api/factory/clean", body))
