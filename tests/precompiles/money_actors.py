"""Users who stake, pay for inference and earn."""

from dataclasses import replace
from typing import Any

from genesis.addresses import (
    ATTRIBUTION,
    CALLBACK_CALLER,
    INFERENCE_METERING,
    STAKING,
    TREASURY,
)
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
from precompiles.views.metering import SettleOrder
from tests.precompiles.batches import Batch, Receipt, honest_receipt
from tests.precompiles.calls import UNIT, call, number, words
from tests.precompiles.evidence import (
    receipts_tree,
)
from tests.precompiles.memory import Channel, Memory
from tests.precompiles.world import Call, Outcome


class MoneyActors(Memory):
    """Users who stake, pay for inference and earn."""

    def _stake(self) -> Call:
        amount = self.random.choice((0, 1, 100 * UNIT, 300 * UNIT, 1000 * UNIT, 2000 * UNIT))
        role = self.random.choice((1, 2, 2, 2, 3))
        return call(self._account().address, STAKING, "stake", role, value_wei=amount)

    def _unstake(self) -> Call:
        sender = self._account().address
        role = self.random.choice((1, 2, 2))
        if self.random.random() < 0.5:
            return call(sender, STAKING, "withdraw", role)
        amount = self.random.choice((0, 1, UNIT, 100 * UNIT, 500 * UNIT))
        return call(sender, STAKING, "requestUnstake", role, amount)

    def _delegate(self) -> Call:
        amount = self.random.choice((0, 1, 7, 100 * UNIT, 300 * UNIT))
        arguments = (self._account().address, self.random.choice((1, 2, 2, 3)))
        return call(self._account().address, STAKING, "delegate", *arguments, value_wei=amount)

    def _undelegate(self) -> Call:
        sender = self._account().address
        pool = (self._account().address, self.random.choice((1, 2, 2)))
        if self.random.random() < 0.5:
            return call(sender, STAKING, "withdrawDelegation", *pool)
        amount = self.random.choice((0, 1, 3, UNIT, 100 * UNIT))
        return call(sender, STAKING, "undelegate", *pool, amount)

    def _tend_pool(self) -> Call:
        sender, role = self._account().address, self.random.choice((1, 2, 2, 3))
        commission = self.random.choice((0, 50_000, 100_000, 10**6, 10**6 + 1))
        acts: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("collectRewards", (self._account().address, role)),
            ("checkpoint", (self._account().address, role)),
            ("setCommission", (role, commission)),
        )
        name, arguments = self.random.choice(acts)
        return call(sender, STAKING, name, *arguments)

    def _staking_claim(self) -> Call:
        name = self.random.choice(("claimRewards", "claimSlashReward"))
        return call(self._account().address, STAKING, name, self._recipient())

    def _recipient(self) -> Address:
        fresh = Address(self.random.randbytes(20))
        odd = (Address(bytes(20)), TREASURY, TREASURY, STAKING, ATTRIBUTION, fresh)
        return self.random.choice((*odd, *(each.address for each in self.accounts)))

    def _open_channel(self) -> Call:
        payer, provider, key = self._account(), self._account(), self._account()
        model_id = self._some(self.models)

        def learn(outcome: Outcome) -> None:
            assert outcome.data is not None
            reading = call(TREASURY, INFERENCE_METERING, "getChannel", outcome.data)
            found = words(self.machine.call(reading))
            prices = (found[6], found[7])
            self.channels.append(Channel(Hash32(outcome.data), payer, provider, key, found[4], prices))

        self._learn = learn
        value = self.random.choice((0, 80 * UNIT, 200 * UNIT))
        arguments = (provider.address, model_id, key.address)
        return call(payer.address, INFERENCE_METERING, "openChannel", *arguments, value_wei=value)

    def _channel(self) -> Channel:
        if not self.channels or self.random.random() < 0.03:
            accounts = (self._account(), self._account(), self._account())
            return Channel(self._hash(), *accounts, 1, (1, 1))
        return self.random.choice(self.channels[-4:])

    def _top_up(self) -> Call:
        value = self.random.choice((0, 1, 10 * UNIT, 10**27))
        arguments = (self._channel().id,)
        value = min(value, 10 * UNIT)
        return call(self._account().address, INFERENCE_METERING, "topUp", *arguments, value_wei=value)

    def _settle(self) -> Call:
        channel = self._channel()
        batch, order = self._settle_order(channel)

        def learn(outcome: Outcome) -> None:
            self._settled(number(outcome), channel, batch)

        self._learn = learn
        arguments = tuple(getattr(order, name) for name in SettleOrder.__dataclass_fields__)
        return call(channel.provider.address, INFERENCE_METERING, "settle", *arguments)

    def _settled(self, settlement_id: int, channel: Channel, batch: Batch) -> None:
        channel.receipts = batch.receipts
        self.settlements[settlement_id] = channel
        self.batches[settlement_id] = batch

    def _settle_order(self, channel: Channel) -> tuple[Batch, SettleOrder]:
        """A channel's next settlement, which is sometimes spoiled."""
        fresh = tuple(self._receipt(channel) for _ in range(self.random.randrange(4)))
        batch = Batch(channel.id, channel.receipts + fresh, len(channel.receipts))
        root = batch.tree.root if batch.receipts else receipts_tree(channel.id, [0]).root
        tree = batch.tree if batch.receipts else receipts_tree(channel.id, [0])
        left, right = tree.layers[-2]
        ceiling = root.sum + self.random.choice((0, 0, 5, -1)) if root.sum else 0
        voucher = Voucher(channel.id, len(batch.receipts), ceiling, root.hash)
        chain_id = DEV_L2_CHAIN_ID if self.random.random() < 0.97 else 1
        signature = channel.key.sign(voucher_digest(voucher, chain_id))
        if self.random.random() < 0.05:
            spoiled = (signature[:-1], signature[:-1] + b"\x1d", bytes(65), signature[:32] + b"\xff" * 33)
            signature = self.random.choice(spoiled)
        return batch, SettleOrder(
            channel.id,
            len(batch.receipts),
            ceiling,
            root.hash,
            signature,
            left.hash,
            left.sum,
            right.hash,
            right.sum,
            batch.queries_root if fresh else self._hash(),
            self._text(),
        )

    def _receipt(self, channel: Channel) -> Receipt:
        """A receipt of the channel, or one that lies somewhere."""
        index = self.indexes.get(channel.index_id)
        query = [self.random.randint(-99, 99) for _ in range(index.dimensions if index else 1)]
        tokens = (self.random.choice((0, 1, 999, 3_001)), self.random.randrange(3))
        receipt = honest_receipt(channel.prices, tokens, query, self.policy.platform_ppm)
        lies = (
            {"fee_wei": receipt.fee_wei + 1},
            {"amount_wei": receipt.amount_wei + UNIT},
            {"weight": receipt.weight + 1},
            {"query": (2**15 - 1, *query[1:])},
            {"tokens_in": 2**40},
        )
        if self.random.random() < 0.8:
            return receipt
        lie: dict[str, Any] = self.random.choice(lies)
        return replace(receipt, **lie)

    def _close(self) -> Call:
        channel = self._channel()
        name = self.random.choice(("requestClose", "withdraw", "withdraw"))
        return call(channel.payer.address, INFERENCE_METERING, name, channel.id)

    def _release_earnings(self) -> Call:
        count = self.random.choice((0, 1, 1, 2))
        numbers = [self._some(self.settlements) for _ in range(count)]
        return call(self._account().address, INFERENCE_METERING, "releaseEarnings", numbers)

    def _withdraw_earnings(self) -> Call:
        sender = self._account().address
        return call(sender, INFERENCE_METERING, "withdrawEarnings", self._recipient())

    def _announce_provider(self) -> Call:
        endpoint = self.random.choice((b"http://127.0.0.1:8000", b"", b"x" * 2049))
        return call(self._account().address, INFERENCE_METERING, "announceProvider", endpoint, self._hash())

    def _set_offer(self) -> Call:
        sender, model_id = self._account().address, self._some(self.models)
        reading = call(sender, INFERENCE_METERING, "modelProviderAt", model_id, 0)

        def learn(_: Outcome) -> None:
            self._follow_up.append(lambda: reading)

        self._learn = learn
        return call(sender, INFERENCE_METERING, "setOffer", model_id, self.random.random() < 0.7)

    def _request_inference(self) -> Call:
        requester, provider = self._account(), self._account()
        gas_limit = self.random.choice((0, 0, 100_000, 1_000_001))
        tip = self.random.choice((0, 0, UNIT // 10))

        def learn(outcome: Outcome) -> None:
            self.requests[number(outcome)] = (requester, provider)
            self._follow_up.extend([self._fulfil] * 2)

        self._learn = learn
        return call(
            requester.address,
            INFERENCE_METERING,
            "requestInference",
            self._some(self.models),
            provider.address,
            self._hash(),
            self.random.choice((0, 3, 30, 30 * 86_400 + 1, 20)),
            gas_limit,
            tip,
            self._text(),
            value_wei=self.random.choice((0, tip, 5 * UNIT, 40 * UNIT)),
        )

    def _fulfil(self) -> Call:
        request_id = self._some(self.requests)
        provider = self.requests.get(request_id, (self.accounts[0],) * 2)[1]
        tokens = self.random.choices((0, 1, 1_000, 3_000, 2**32 + 1), (1, 3, 6, 3, 1), k=2)
        arguments = (request_id, self._hash(), *tokens, self._hash(), self._text())

        def learn(_: Outcome) -> None:
            self._follow_up.insert(
                0, self._end_request if self.random.random() < 0.4 else self._settle_request
            )

        self._learn = learn
        return call(provider.address, INFERENCE_METERING, "fulfil", *arguments)

    def _settle_request(self) -> Call:
        request_id = self._some(self.requests)
        reading = self.machine.call(call(TREASURY, INFERENCE_METERING, "getRequest", request_id))

        def learn(outcome: Outcome) -> None:
            requester, provider = self.requests[request_id]
            channel = Channel(Hash32(bytes(32)), requester, provider, requester, words(reading)[3], (1, 1))
            self.settlements[number(outcome)] = channel

        self._learn = learn
        return call(self._account().address, INFERENCE_METERING, "settleRequest", request_id)

    def _end_request(self) -> Call:
        request_id = self._some(self.requests)
        requester = self.requests.get(request_id, (self.accounts[0],) * 2)[0]
        name = self.random.choice(("disputeRequest", "refundRequest", "refundRequest"))
        return call(requester.address, INFERENCE_METERING, name, request_id)

    def _mark_delivered(self) -> Call:
        sender = CALLBACK_CALLER if self.random.random() < 0.9 else self._account().address
        arguments = (self._some(self.requests), self._account().address)
        return call(sender, INFERENCE_METERING, "markDelivered", *arguments)
