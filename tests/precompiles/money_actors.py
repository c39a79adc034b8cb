"""Users who stake, pay for inference and earn."""

from genesis.addresses import (
    ATTRIBUTION,
    INFERENCE_METERING,
    STAKING,
    TREASURY,
)
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
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
            index_id = words(self.machine.call(reading))[4]
            self.channels.append(Channel(Hash32(outcome.data), payer, provider, key, index_id, []))

        self._learn = learn
        value = self.random.choice((0, 80 * UNIT, 200 * UNIT))
        arguments = (provider.address, model_id, key.address)
        return call(payer.address, INFERENCE_METERING, "openChannel", *arguments, value_wei=value)

    def _channel(self) -> Channel:
        if not self.channels or self.random.random() < 0.03:
            accounts = (self._account(), self._account(), self._account())
            return Channel(self._hash(), *accounts, 1, [])
        return self.random.choice(self.channels[-4:])

    def _top_up(self) -> Call:
        value = self.random.choice((0, 1, 10 * UNIT, 10**27))
        arguments = (self._channel().id,)
        value = min(value, 10 * UNIT)
        return call(self._account().address, INFERENCE_METERING, "topUp", *arguments, value_wei=value)

    def _settle(self) -> Call:
        channel = self._channel()
        fees = [*channel.fees_wei, *(self._fee() for _ in range(self.random.randrange(4)))]
        tree = receipts_tree(channel.id, fees or [0])
        root = tree.root
        left, right = tree.layers[-2]
        ceiling = root.sum + self.random.choice((0, 0, 5, -1)) if root.sum else 0
        voucher = Voucher(channel.id, len(fees), ceiling, root.hash)
        chain_id = DEV_L2_CHAIN_ID if self.random.random() < 0.97 else 1
        signature = channel.key.sign(voucher_digest(voucher, chain_id))
        if self.random.random() < 0.05:
            spoiled = (signature[:-1], signature[:-1] + b"\x1d", bytes(65), signature[:32] + b"\xff" * 33)
            signature = self.random.choice(spoiled)

        def learn(outcome: Outcome) -> None:
            channel.fees_wei = fees
            self.settlements[number(outcome)] = channel

        self._learn = learn
        return call(
            channel.provider.address,
            INFERENCE_METERING,
            "settle",
            channel.id,
            len(fees),
            ceiling,
            root.hash,
            signature,
            left.hash,
            left.sum,
            right.hash,
            right.sum,
            self._hash(),
            self._text(),
        )

    def _fee(self) -> int:
        return self.random.choice((0, 1, 999_999, UNIT, 3 * UNIT + 7))

    def _close(self) -> Call:
        channel = self._channel()
        name = self.random.choice(("requestClose", "withdraw", "withdraw"))
        return call(channel.payer.address, INFERENCE_METERING, name, channel.id)

    def _withdraw_earnings(self) -> Call:
        sender = self._account().address
        return call(sender, INFERENCE_METERING, "withdrawEarnings", self._recipient())
