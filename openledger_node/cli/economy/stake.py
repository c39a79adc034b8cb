"""`openledger-node stake`: on the L2 it secures AI work, on the L1 the roots that the L2 proposes."""

from typing import Any, Literal

from cyclopts import App

from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, Layer, Session, session
from openledger_node.cli.economy.values import Account, Amount
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.economy import ATTRIBUTION, ROLE_PROVIDER, ROLE_VALIDATOR, STAKING
from openledger_node.errors import UserError
from rollup_bridge.validator.rewards import LOOK_BACK

app = App(name="stake")

Role = Literal["validator", "provider"]
ROLES = {"validator": ROLE_VALIDATOR, "provider": ROLE_PROVIDER}


async def _validators(opened: Session) -> Contract:
    """The L1's ValidatorStaking, where the oracle says it is."""
    oracle = await opened.l1_contract("OutputOracle")
    return l1_contract("ValidatorStaking", Address(await opened.read(oracle, "staking", layer="l1")))


async def _with_tokens(opened: Session, amount_wei: int, method: str, *arguments: Any) -> dict[str, Any]:
    """Let the L1's staking contract take OPEN, and call it."""
    validators = await _validators(opened)
    token = await opened.l1_contract("OpenToken")
    await opened.send(token, "approve", validators.address, amount_wei, layer="l1")
    return await opened.write(validators, method, *arguments, amount_wei, layer="l1")


@app.command
async def add(
    amount: Amount, *, layer: Layer = "l2", role: Role = "validator", options: Flat = DEFAULTS
) -> None:
    """Stake OPEN.

    Parameters
    ----------
    amount
        How much.
    layer
        `l2` secures AI work, `l1` output roots.
    role
        On the L2: what for.
    """
    async with session(options) as opened:
        if layer == "l1":
            opened.show(await _with_tokens(opened, amount, "stake"))
            return
        opened.show(await opened.write(STAKING, "stake", ROLES[role], value_wei=amount))


@app.command
async def delegate(
    validator: Account,
    amount: Amount,
    *,
    layer: Layer = "l2",
    role: Role = "validator",
    options: Flat = DEFAULTS,
) -> None:
    """Delegate stake to somebody else's pool, which shares its rewards and its slashing.

    Parameters
    ----------
    validator
        Whose pool; on the L2 it has stake of its own in the role.
    amount
        How much.
    layer
        `l2` secures AI work, `l1` output roots.
    role
        On the L2: in which role it is staked.
    """
    async with session(options) as opened:
        if layer == "l1":
            opened.show(await _with_tokens(opened, amount, "delegate", validator))
            return
        opened.show(await opened.write(STAKING, "delegate", validator, ROLES[role], value_wei=amount))


@app.command
async def unbond(
    amount: Amount,
    *,
    layer: Layer = "l2",
    role: Role = "validator",
    validator: Account | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Ask for stake back; it stays slashable until the unbonding time is over.

    Parameters
    ----------
    amount
        How much; on the L1 as much of the validator's pool as that is worth now.
    layer
        Where it is staked.
    role
        On the L2: for which role.
    validator
        Whose pool it was delegated to; the signer's own unless named.
    """
    async with session(options) as opened:
        if layer == "l2" and validator is not None:
            opened.show(await opened.write(STAKING, "undelegate", validator, ROLES[role], amount))
            return
        if layer == "l2":
            opened.show(await opened.write(STAKING, "requestUnstake", ROLES[role], amount))
            return
        whose = validator if validator is not None else (await opened.sender("l1")).address
        validators = await _validators(opened)
        shares = await _shares(opened, validators, whose, amount)
        opened.show(await opened.write(validators, "requestUnstake", whose, shares, layer="l1"))


async def _shares(opened: Session, validators: Contract, validator: Address, amount_wei: int) -> int:
    """The shares of a validator's pool that are worth an amount, rounded up."""
    stake_wei, shares, *_ = await opened.read(validators, "pools", validator, layer="l1")
    if not stake_wei:
        raise UserError("that validator's pool is empty", "see `stake show --layer l1`")
    return int(-(-amount_wei * shares // stake_wei))


@app.command
async def withdraw(
    *,
    layer: Layer = "l2",
    role: Role = "validator",
    validator: Account | None = None,
    index: int = 0,
    options: Flat = DEFAULTS,
) -> None:
    """Take what is unbonded: on the L1 by the index that `unbond` gave, on the L2 from a named pool or from
    the signer's own."""
    async with session(options) as opened:
        if layer == "l2" and validator is not None:
            opened.show(await opened.write(STAKING, "withdrawDelegation", validator, ROLES[role]))
            return
        if layer == "l2":
            opened.show(await opened.write(STAKING, "withdraw", ROLES[role]))
            return
        opened.show(await opened.write(await _validators(opened), "withdraw", index, layer="l1"))


@app.command
async def rewards(
    *,
    claim: bool = False,
    recipient: Account | None = None,
    layer: Layer = "l2",
    role: Role = "validator",
    validator: Account | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Show the rewards that wait; `--claim` takes them.

    Parameters
    ----------
    claim
        Take it. On the L1 it goes into the validator's pool.
    recipient
        To whom on the L2; on the L1 which validator. The signer unless named.
    layer
        `l2`: the stakers' part of the fees. `l1`: attestations to the newest 256 outputs that are final.
    role
        On the L2, with `--validator`: in which role it is staked.
    validator
        On the L2: what stake delegated to it earned too.
    """
    async with session(options) as opened:
        if layer == "l1":
            await _l1_rewards(opened, await opened.whose(recipient), claim)
            return
        whose = await opened.whose(recipient)
        if claim and validator is not None:
            await opened.send(STAKING, "collectRewards", validator, ROLES[role])
        if claim:
            opened.show(await opened.write(STAKING, "claimRewards", whose))
            return
        pending = await opened.read(STAKING, "pendingRewards", whose)
        slashed = await opened.read(ATTRIBUTION, "rewardOf", whose)
        found = {"account": whose, "rewards": pending, "fromSlashing": slashed}
        if validator is not None:
            part = await opened.read(STAKING, "delegation", validator, ROLES[role], whose)
            found["fromDelegation"] = part["rewards"]
        opened.show(found)


async def _l1_rewards(opened: Session, validator: Address, claim: bool) -> None:
    fund, oracle = await opened.l1_contract("AttestationRewards"), await opened.l1_contract("OutputOracle")
    first = max(0, await opened.read(oracle, "nextOutputIndex", layer="l1") - LOOK_BACK)
    amounts = await opened.read(fund, "owed", validator, first, LOOK_BACK, layer="l1")
    outputs = [first + place for place, amount in enumerate(amounts) if amount]
    if claim and not outputs:
        raise UserError("nothing is owed for attestations", "see `stake rewards --layer l1` again later")
    if claim:
        opened.show(await opened.write(fund, "claim", validator, outputs, layer="l1"))
        return
    opened.show({"validator": validator, "rewards": sum(amounts), "outputs": len(outputs)})


@app.command
async def claim_slash_reward(*, recipient: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Take what won challenges owe the signer."""
    async with session(options) as opened:
        to = await opened.whose(recipient)
        opened.show(await opened.write(STAKING, "claimSlashReward", to))


@app.command
async def commission(ppm: int, *, role: Role = "validator", options: Flat = DEFAULTS) -> None:
    """Set the signer's share of what its delegators earn on the L2.

    Parameters
    ----------
    ppm
        In parts per million: 50000 is 5 %. A higher one takes over after the unbonding time.
    role
        For which role's delegators.
    """
    async with session(options) as opened:
        opened.show(await opened.write(STAKING, "setCommission", ROLES[role], ppm))


@app.command
async def checkpoint(validator: Account, *, role: Role = "validator", options: Flat = DEFAULTS) -> None:
    """Update an operator's weight on the L2, by which juries are drawn, after it was slashed."""
    async with session(options) as opened:
        opened.show(await opened.write(STAKING, "checkpoint", validator, ROLES[role]))


@app.command
async def show(
    *,
    of: Account | None = None,
    layer: Layer = "l2",
    validator: Account | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Show what an account has staked, where and for what.

    Parameters
    ----------
    of
        Whose stake; the signer's unless named.
    layer
        Where.
    validator
        On the L2: what it delegated to this one, instead of its own pools.
    """
    async with session(options) as opened:
        whose = await opened.whose(of)
        if layer == "l1":
            opened.show({"account": whose, **await _l1_stake(opened, whose)})
        elif validator is not None:
            opened.show({"account": whose, **await _delegations(opened, validator, whose)})
        else:
            opened.show({"account": whose, **await _l2_stake(opened, whose)})


async def _delegations(opened: Session, validator: Address, delegator: Address) -> dict[str, Any]:
    parts = {
        name: await opened.read(STAKING, "delegation", validator, number, delegator)
        for name, number in ROLES.items()
    }
    return {"validator": validator, **parts}


async def _l2_stake(opened: Session, account: Address) -> dict[str, Any]:
    pools = {name: await _pool(opened, account, number) for name, number in ROLES.items()}
    number, duration_s = await opened.read(STAKING, "epoch")
    total_wei = await opened.read(STAKING, "totalStake")
    return {**pools, "totalStake": total_wei, "epoch": number, "epochSeconds": duration_s}


async def _pool(opened: Session, account: Address, role: int) -> dict[str, Any]:
    """An operator's own and delegated stake in a role, and what it takes from its delegators' rewards."""
    position = await opened.read(STAKING, "position", account, role)
    current, following, effective_at = await opened.read(STAKING, "commission", account, role)
    coming = {"nextCommission": following, "commissionAt": effective_at} if effective_at else {}
    return {**position, "commission": current, **coming}


async def _l1_stake(opened: Session, account: Address) -> dict[str, Any]:
    validators = await _validators(opened)
    return {
        "activeStake": await opened.read(validators, "activeStake", account, layer="l1"),
        "isValidator": await opened.read(validators, "isValidator", account, layer="l1"),
        "ownShares": await opened.read(validators, "sharesOf", account, account, layer="l1"),
    }
