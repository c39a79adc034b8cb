"""What people do with the Solidity predeploys: votes, treasury, grants, tokens, exchange, agents, wrapping.

Every step may be refused by a contract; what it must not do is lose or make money. `owed` says what each
contract owes, to compare with what it holds.
"""

import random
from collections.abc import Collection, Iterator
from typing import Any

from genesis.addresses import (
    BASE_FEE_VAULT,
    GRANTS,
    INFERENCE_METERING,
    L1_FEE_VAULT,
    MODEL_REGISTRY,
    OP_WETH9,
    PERMIT2,
    POLICY,
    SEQUENCER_FEE_VAULT,
    TREASURY,
    UNISWAP_FACTORY,
    UNISWAP_ROUTER,
    VOTES_TOKEN,
    X402_RECEIVERS,
)
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.client import exchange, predeploys
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.contract import Contract
from openledger_node.evm.records import Receipt
from precompiles.views.policy import PARAMETERS
from tests.economy.two_chains import TwoChains
from tests.economy.x402 import UptoPayment
from tests.precompiles.calls import Account, calldata

FAR_S = 2**40
MODEL, DATANET, AGENT = 1, 2, 3
ACTIVE = 1
NOBODY = Address(bytes(20))
VAULTS = (BASE_FEE_VAULT, L1_FEE_VAULT, SEQUENCER_FEE_VAULT)
TREASURY_CONTRACT = Contract(
    TREASURY, interface_from_signatures("function pay(address recipient, uint256 amount)")
)
VAULT = interface_from_signatures("function withdraw() returns (uint256)")
RECEIVERS = Contract(X402_RECEIVERS, predeploys.predeploy_interface("X402Receivers"))
DOMAIN_SEPARATOR = keccak256(b"DOMAIN_SEPARATOR()")[:4]


class Market:
    """Draws steps; knows the tokens, pools, wallets and proposals there are."""

    def __init__(self, chains: TwoChains, people: list[Account], policy: Policy, seed: int) -> None:
        self.chains = chains
        self.people = people
        self.policy = policy
        self.random = random.Random(seed)
        self.tokens: list[Address] = []
        self.agents: list[Address] = []
        self.proposals: list[tuple[Any, ...]] = []
        self.receivers: list[Address] = []
        self.channels: Collection[Hash32] = ()
        self.grants = 0

    # -- helpers

    def _who(self) -> Account:
        return self.random.choice(self.people)

    def _amount(self, most: int) -> int:
        return self.random.choice((0, 1, most, self.random.randrange(most + 1), min(most, 3 * OPEN_UNIT)))

    def _read(self, contract: Contract, method: str, *arguments: Any) -> Any:
        output = self.chains.read(contract.address, contract.calldata(method, *arguments))
        return contract.result(method, output)

    def _write(
        self, sender: Account, contract: Contract, method: str, *arguments: Any, value_wei: int = 0
    ) -> Receipt:
        data = contract.calldata(method, *arguments)
        return self.chains.send(sender, contract.address, data, value_wei)

    def _held(self, token: Address, who: Account) -> int:
        return int(self._read(exchange.erc20(token), "balanceOf", who.address))

    # -- wrapped OPEN and fees

    def wrap(self) -> Receipt:
        who = self._who()
        if self.random.random() < 0.6:
            return self._write(who, exchange.WOPEN, "deposit", value_wei=self._amount(9 * OPEN_UNIT))
        held = self._held(OP_WETH9, who)
        return self._write(who, exchange.WOPEN, "withdraw", self._amount(held) + self.random.randrange(2))

    def collect_fees(self) -> Receipt:
        vault = Contract(self.random.choice(VAULTS), VAULT)
        return self._write(self._who(), vault, "withdraw")

    # -- governance

    def join_or_leave(self) -> Receipt:
        who = self._who()
        kind = self.random.randrange(5)
        if kind < 2:
            return self.chains.send(who, VOTES_TOKEN, b"", self._amount(50 * OPEN_UNIT))
        if kind == 2:
            to = self.random.choice((self._who().address, self._who().address, NOBODY))
            return self._write(who, predeploys.VOTES, "delegate", to)
        amount = self._amount(self._held(VOTES_TOKEN, who))
        name = "withdrawTo" if kind == 3 else "transfer"
        return self._write(who, predeploys.VOTES, name, self._who().address, amount)

    def propose(self) -> Receipt:
        """A policy version, a payment of the treasury, a grant, or the end of one."""
        kind = self.random.randrange(4)
        funds = self.chains.balance(TREASURY)
        if kind == 0:
            parts = {name: getattr(self.policy, name) for name in Policy.__dataclass_fields__}
            parts["platform_ppm"] = self.random.choice((0, 20_000, 200_000))
            actions = [(POLICY, 0, calldata(POLICY, "publish", PARAMETERS.record(**parts)))]
        elif kind == 1:
            pay = TREASURY_CONTRACT.calldata("pay", self._who().address, self._amount(funds))
            actions = [(TREASURY, 0, pay)]
        elif kind == 2:
            amounts = [self._amount(funds // 2) + 1, self._amount(funds // 2) + 1]
            pay = TREASURY_CONTRACT.calldata("pay", GRANTS, sum(amounts))
            make = predeploys.GRANTS.calldata("create", self._who().address, amounts, "plan")
            actions = [(TREASURY, 0, pay), (GRANTS, 0, make)]
        else:
            name = self.random.choice(("approve", "approve", "end"))
            grant = 1 + self.random.randrange(3)
            actions = [(GRANTS, 0, predeploys.GRANTS.calldata(name, grant))]
        return self._propose(actions)

    def _propose(self, actions: list[tuple[Address, int, bytes]]) -> Receipt:
        targets, values, calls = (list(each) for each in zip(*actions, strict=True))
        text = f"proposal {len(self.proposals)}"
        receipt = self._write(self._who(), predeploys.GOVERNOR, "propose", targets, values, calls, text)
        if receipt.succeeded:
            self.proposals.append((targets, values, calls, keccak256(text.encode())))
        return receipt

    def pursue(self) -> Receipt:
        """Vote for a proposal, queue it, carry it out, as far as its time has come."""
        if not self.proposals:
            return self.propose()
        proposal = self.random.choice(self.proposals[-3:])
        number = self._read(predeploys.GOVERNOR, "hashProposal", *proposal)
        state = int(self._read(predeploys.GOVERNOR, "state", number))
        if state <= 1:
            self.chains.pass_time(2)
            support = self.random.choice((1, 1, 1, 1, 0))
            return self._write(self._who(), predeploys.GOVERNOR, "castVote", number, support)
        name = "queue" if state == 4 else "execute"
        return self._write(self._who(), predeploys.GOVERNOR, name, *proposal)

    def decide(self) -> None:
        """One proposal all the way: everybody has votes, everybody is for it."""
        for who in self.people[:3]:
            self.chains.send(who, VOTES_TOKEN, b"", 20 * OPEN_UNIT)
        if not self.propose().succeeded:
            return
        proposal = self.proposals[-1]
        number = self._read(predeploys.GOVERNOR, "hashProposal", *proposal)
        self.chains.pass_time(2)
        for who in self.people[:3]:
            self._write(who, predeploys.GOVERNOR, "castVote", number, 1)
        self.chains.pass_time(11)
        self._write(self._who(), predeploys.GOVERNOR, "queue", *proposal)
        self.chains.pass_time(3)
        self._write(self._who(), predeploys.GOVERNOR, "execute", *proposal)

    def use_grant(self) -> Receipt:
        name, arguments = self.random.choice(
            (("report", (1 + self.random.randrange(3), "done")), ("object", (1,)), ("release", (1,)))
        )
        return self._write(self._who(), predeploys.GRANTS, name, *arguments)

    def give_to_treasury(self) -> Receipt:
        return self.chains.send(self._who(), TREASURY, b"", self._amount(30 * OPEN_UNIT))

    # -- tokens of models and agents

    def make_token(self) -> Receipt:
        """A token of a model or agent, by its owner more often than not."""
        kind = self.random.choice((MODEL, MODEL, DATANET, AGENT))
        number = 1 + self.random.randrange(4)
        arguments = (kind, number, "Asset", "AST", self.random.choice((1, 1_000, 10**24)))
        receipts = [self._write(who, predeploys.TOKENS, "create", *arguments) for who in self.people]
        token = Address(self._read(predeploys.TOKENS, "tokenOf", kind, number))
        if token != NOBODY and token not in self.tokens:
            self.tokens.append(token)
        return receipts[-1]

    def earn_for_token(self) -> Receipt:
        """A model's earnings flow to its token, or somebody pays the token directly."""
        if not self.tokens:
            return self.make_token()
        token = self.random.choice(self.tokens)
        if self.random.random() < 0.5:
            return self.chains.send(self._who(), token, b"", self._amount(7 * OPEN_UNIT))
        model = 1 + self.random.randrange(4)
        data = calldata(MODEL_REGISTRY, "setRevenueRecipient", model, token)
        receipts = [self.chains.send(who, MODEL_REGISTRY, data) for who in self.people]
        return receipts[-1]

    def use_token(self) -> Receipt:
        if not self.tokens:
            return self.make_token()
        token, who = self.random.choice(self.tokens), self._who()
        contract = predeploys.asset_token(token)
        name = self.random.choice(("share", "claim", "claim", "transfer"))
        if name == "share":
            return self._write(who, contract, "share")
        if name == "claim":
            return self._write(who, contract, "claim", self._who().address)
        return self._write(
            who, contract, "transfer", self._who().address, self._amount(self._held(token, who))
        )

    # -- exchange

    def trade(self) -> Receipt:
        """Add to a pool, swap either way, or take a share out."""
        if not self.tokens:
            return self.make_token()
        token, who = self.random.choice(self.tokens), self._who()
        held = self._held(token, who)
        kind = self.random.choice(("add", "add", "buy", "sell", "remove"))
        me, open_wei = who.address, self._amount(5 * OPEN_UNIT)
        if kind == "buy":
            path = [OP_WETH9, token]
            return self._write(
                who, exchange.ROUTER, "swapExactETHForTokens", 0, path, me, FAR_S, value_wei=open_wei
            )
        if kind == "remove":
            return self._remove(who, token)
        self._write(who, exchange.erc20(token), "approve", UNISWAP_ROUTER, 2**255)
        if kind == "sell":
            path = [token, OP_WETH9]
            return self._write(
                who, exchange.ROUTER, "swapExactTokensForETH", self._amount(held), 0, path, me, FAR_S
            )
        arguments = (token, self._amount(held), 0, 0, me, FAR_S)
        return self._write(who, exchange.ROUTER, "addLiquidityETH", *arguments, value_wei=open_wei)

    def _remove(self, who: Account, token: Address) -> Receipt:
        pool = self._pool(token)
        shares = 0 if pool == NOBODY else self._held(pool, who)
        if pool != NOBODY:
            self._write(who, exchange.pair(pool), "approve", UNISWAP_ROUTER, 2**255)
        arguments = (token, self._amount(shares), 0, 0, who.address, FAR_S)
        return self._write(who, exchange.ROUTER, "removeLiquidityETH", *arguments)

    def _pool(self, token: Address) -> Address:
        return Address(self._read(exchange.FACTORY, "getPair", token, OP_WETH9))

    # -- agents

    def make_agent(self) -> Receipt:
        """Register an agent, give it a wallet, a key and limits, and fill it."""
        owner, key, payee = self._who(), self._who(), self._who()
        self._write(owner, predeploys.AGENTS, "register", "ipfs://agent")
        number = self._read(predeploys.AGENTS, "agentCount")
        self._write(self._who(), predeploys.AGENTS, "createAccount", number)
        wallet = Address(self._read(predeploys.AGENTS, "accountOf", number))
        contract = predeploys.agent_account(wallet)
        self._write(owner, contract, "setKey", key.address)
        self._write(owner, contract, "setDailyLimit", 3 * OPEN_UNIT)
        self._write(owner, contract, "setTargetLimit", payee.address, 2 * OPEN_UNIT)
        self._write(owner, contract, "setAllowed", payee.address, bytes(4), True)
        self.agents.append(wallet)
        return self.chains.send(owner, wallet, b"", self._amount(9 * OPEN_UNIT))

    def use_agent(self) -> Receipt:
        """Its key or owner pays from the wallet, stakes with it, or collects what it earned."""
        if not self.agents:
            return self.make_agent()
        wallet = predeploys.agent_account(self.random.choice(self.agents))
        who, to = self._who(), self._who().address
        withdraw = calldata(INFERENCE_METERING, "withdrawEarnings", wallet.address)
        actions = ((to, self._amount(3 * OPEN_UNIT), b""), (INFERENCE_METERING, 0, withdraw))
        return self._write(who, wallet, "execute", *self.random.choice(actions))

    # -- single payments

    def pay_by_x402(self) -> Receipt:
        """Somebody signs for an answer, and its provider collects: what was signed, more, or less."""
        provider, model = self._served()
        payer = self._who()
        self._write(self._who(), RECEIVERS, "create", provider.address, model)
        receiver = Contract(
            Address(self._read(RECEIVERS, "receiverOf", provider.address, model)),
            predeploys.predeploy_interface("X402Receiver"),
        )
        if receiver.address not in self.receivers:
            self.receivers.append(receiver.address)
        if self._read(receiver, "channelOf", payer.address) == bytes(32):
            self._write(provider, receiver, "openChannel", payer.address, value_wei=1)
        self._write(payer, exchange.WOPEN, "deposit", value_wei=OPEN_UNIT)
        self._write(payer, exchange.erc20(OP_WETH9), "approve", PERMIT2, 2**255)
        payment = UptoPayment(receiver.address, self._amount(OPEN_UNIT), self.random.randrange(8), FAR_S)
        signature = payment.signed(payer, Hash32(self.chains.read(PERMIT2, DOMAIN_SEPARATOR)))
        channel_id = self._read(receiver, "channelOf", payer.address)
        amount = payment.most_wei + self.random.choice((0, 0, 0, 1)) - self.random.randrange(2)
        arguments = (channel_id, payment.permit(), max(0, amount), payer.address, 0, signature)
        return self._write(provider, receiver, "collect", *arguments)

    def _served(self) -> tuple[Account, int]:
        """A provider and a model of its that somebody had a channel for, or any."""
        if not self.channels:
            return self._who(), 1
        channel_id = self.random.choice(sorted(self.channels))
        channel = self.chains.read(INFERENCE_METERING, calldata(INFERENCE_METERING, "getChannel", channel_id))
        found = [each for each in self.people if each.address == channel[44:64]]
        return found[0] if found else self._who(), int.from_bytes(channel[96:128], "big")

    # -- what is owed

    def owed(self) -> Iterator[tuple[str, Address, int]]:
        """Contracts that owe exactly what they hold."""
        yield "wrapped OPEN", OP_WETH9, int(self._read(exchange.WOPEN, "totalSupply"))
        yield "votes", VOTES_TOKEN, int(self._read(predeploys.VOTES, "totalSupply"))
        for receiver in self.receivers:
            yield "a receiver of x402", receiver, 0
        yield "grants", GRANTS, int(self._read(predeploys.GRANTS, "committed"))

    def check(self) -> None:
        """Every contract can pay what it owes, and what voted is there."""
        for name, address, owed_wei in self.owed():
            assert self.chains.balance(address) == owed_wei, name
        wrapped = [OP_WETH9, *map(self._pool, self.tokens)]
        assert sum(self._wopen_of(holder) for holder in self._holders(wrapped)) == self.chains.balance(
            OP_WETH9
        )
        for token in self.tokens:
            self._check_token(token)
        self._check_votes()

    def _check_votes(self) -> None:
        """No more votes count for a proposal that is still decided than there are."""
        there = int(self._read(predeploys.VOTES, "totalSupply"))
        for proposal in self.proposals[-3:]:
            number = self._read(predeploys.GOVERNOR, "hashProposal", *proposal)
            if int(self._read(predeploys.GOVERNOR, "state", number)) == ACTIVE:
                assert sum(self._read(predeploys.GOVERNOR, "proposalVotes", number)) <= there

    def _holders(self, pools: list[Address]) -> set[Address]:
        people = {each.address for each in self.people}
        return {*people, *pools, *self.agents, UNISWAP_ROUTER, UNISWAP_FACTORY}

    def _wopen_of(self, holder: Address) -> int:
        return int(self._read(exchange.WOPEN, "balanceOf", holder))

    def _check_token(self, token: Address) -> None:
        """No share is made or lost, holders are owed no more than there is, pools hold their reserves."""
        contract, pool = predeploys.asset_token(token), self._pool(token)
        holders = self._holders([pool])
        held = sum(int(self._read(contract, "balanceOf", holder)) for holder in holders)
        assert held == self._read(contract, "totalSupply")
        owed_wei = int(self._read(contract, "owed"))
        claimable = sum(int(self._read(contract, "claimable", holder)) for holder in holders)
        earned = self._read(METERING, "earningsOf", token)
        assert owed_wei <= self.chains.balance(token)
        assert claimable <= self.chains.balance(token) + earned
        if pool != NOBODY:
            self._check_pool(pool, token)

    def _check_pool(self, pool: Address, token: Address) -> None:
        reserves = self._read(exchange.pair(pool), "getReserves")[:2]
        first = Address(self._read(exchange.pair(pool), "token0"))
        order = (token, OP_WETH9) if first == token else (OP_WETH9, token)
        for asset, reserve in zip(order, reserves, strict=True):
            assert int(self._read(exchange.erc20(asset), "balanceOf", pool)) >= reserve


METERING = Contract(
    INFERENCE_METERING,
    interface_from_signatures("function earningsOf(address account) view returns (uint256)"),
)
