"""Users who make, review and train on data."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from genesis.addresses import (
    DATANET_REGISTRY,
    MODEL_REGISTRY,
    STAKING,
    TREASURY,
)
from genesis.commitments import (
    contribution_leaf,
    merkle_layers,
    merkle_proof,
)
from genesis.types import Address, Hash32
from tests.precompiles.calls import UNIT, Account, call, number
from tests.precompiles.evidence import Index, Row, index_of_rows, make_index
from tests.precompiles.memory import Contribution, Memory
from tests.precompiles.world import Call, Outcome


class DataActors(Memory):
    """Users who make, review and train on data."""

    def _create_datanet(self) -> Call:
        owner = self._account()
        admission = self.random.choice((0, 0, 0, 1, 2, 3))
        usage = self.random.choice((0, 0, 0, 1, 2, 3))
        name = self.random.choice((b"digits", b"digits", b"", b"n" * 2049))

        def learn(outcome: Outcome) -> None:
            self.datanets[number(outcome)] = owner
            self.accepted[number(outcome)] = []

        self._learn = learn
        arguments = (name, self._text(), self._hash(), self._hash(), admission, usage)
        return call(owner.address, DATANET_REGISTRY, "createDatanet", *arguments)

    def _set_member(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self.datanets.get(datanet_id, self.accounts[0])
        name = self.random.choice(("setCurator", "setContributor"))
        member = self._account().address
        return call(owner.address, DATANET_REGISTRY, name, datanet_id, member, self.random.random() < 0.7)

    def _datanet_owner(self) -> tuple[int, Address]:
        datanet_id = self._some(self.datanets)
        return datanet_id, self.datanets.get(datanet_id, self.accounts[0]).address

    def _set_usage(self) -> Call:
        datanet_id, owner = self._datanet_owner()
        usage = self.random.choice((0, 0, 0, 1, 2, 2, 3))
        price = self.random.choice((0, 1, UNIT, UNIT, 10**27 + 1))
        return call(owner, DATANET_REGISTRY, "setUsage", datanet_id, usage, price)

    def _grant_usage(self) -> Call:
        datanet_id, owner = self._datanet_owner()
        until = self.random.choice((0, self.machine.moment.timestamp_s + 3, 2**256 - 1))
        return call(owner, DATANET_REGISTRY, "grantUsage", datanet_id, self._account().address, until)

    def _buy_usage(self) -> Call:
        datanet_id = self._some(self.datanets)
        price = self.machine.call(call(TREASURY, DATANET_REGISTRY, "usagePrice", datanet_id))
        value = number(price) if price.succeeded else 0
        return call(self._account().address, DATANET_REGISTRY, "buyUsage", datanet_id, value_wei=value)

    def _set_metadata(self) -> Call:
        datanet_id, owner = self._datanet_owner()
        arguments = (datanet_id, self._text(), self._hash(), self._hash())
        return call(owner, DATANET_REGISTRY, "setMetadata", *arguments)

    def _transfer_datanet(self) -> Call:
        datanet_id, owner = self._datanet_owner()
        heir = self._account()

        def learn(_: Outcome) -> None:
            self.datanets[datanet_id] = heir

        self._learn = learn
        return call(owner, DATANET_REGISTRY, "transferDatanet", datanet_id, heir.address)

    def _cancel(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        sender = known.owner if known else self._account()
        return call(sender.address, DATANET_REGISTRY, "cancel", contribution_id)

    def _transfer_model(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        heir = self._account()

        def learn(_: Outcome) -> None:
            self.models[model_id] = heir

        self._learn = learn
        return call(owner.address, MODEL_REGISTRY, "transferModel", model_id, heir.address)

    def _deprecate_model(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        successor = self.random.choice((0, 0, 1, model_id))
        return call(owner.address, MODEL_REGISTRY, "deprecateModel", model_id, successor)

    def _set_retrieval(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        datanet_id, allowed = self._some(self.datanets), self.random.random() < 0.9

        def learn(_: Outcome) -> None:
            (set.add if allowed else set.discard)(self.consents.setdefault(model_id, set()), datanet_id)

        self._learn = learn
        return call(owner.address, MODEL_REGISTRY, "setRetrieval", model_id, datanet_id, allowed)

    def _contribute(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self._account()
        leaves = [self._hash() for _ in range(self.random.randrange(1, 6))]
        block = self.machine.moment.block_number

        def learn(outcome: Outcome) -> None:
            contribution_id = number(outcome)
            self.contributions[contribution_id] = Contribution(
                contribution_id, datanet_id, owner, leaves, block
            )

        self._learn = learn
        bond = self._version_parameter("contribution_bond_wei")
        root = merkle_layers(leaves)[-1][0]
        arguments = (datanet_id, root, len(leaves), self.random.choice((1, 1, 1, 0, 2**64 + 1)))
        return call(owner.address, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)

    def _reveal(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        sender = known.owner if known else self._account()
        return call(sender.address, DATANET_REGISTRY, "reveal", contribution_id, self._text())

    def _review(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        curator = self.datanets.get(known.datanet_id, self.accounts[0]) if known else self.accounts[0]
        accept = self.random.random() < 0.8

        def learn(_: Outcome) -> None:
            if accept and known:
                accepted = self.accepted[known.datanet_id]
                known.position = len(accepted)
                known.first_record = sum(len(each.leaves) for each in accepted)
                accepted.append(known)

        self._learn = learn
        quality = self.random.choice((0, 10_000, 10_001, 7))
        return call(curator.address, DATANET_REGISTRY, "review", contribution_id, accept, quality)

    def _draw_parents(self) -> Call:
        name = self.random.choice(("drawParents", "drawParents", "getAcceptance"))
        return call(self._account().address, DATANET_REGISTRY, name, self._some(self.contributions))

    def _publish_version(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self.datanets.get(datanet_id, self.accounts[0])

        def learn(outcome: Outcome) -> None:
            self.versions.append((datanet_id, number(outcome), len(self.accepted[datanet_id])))

        self._learn = learn
        return call(owner.address, DATANET_REGISTRY, "publishVersion", datanet_id)

    def _withdraw_contribution_bond(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        sender = known.owner if known else self._account()
        return call(sender.address, DATANET_REGISTRY, "withdrawBond", contribution_id)

    def _contribution_layers(self, accepted: list[Contribution]) -> list[list[Hash32]]:
        """The tree of a version's contributions."""
        return merkle_layers(
            [
                contribution_leaf(
                    contribution_id=each.id,
                    contributor=each.owner.address,
                    root=merkle_layers(each.leaves)[-1][0],
                    records=len(each.leaves),
                    first_record=each.first_record,
                    commit_block=each.commit_block,
                )
                for each in accepted
            ]
        )

    def _verify_record(self) -> Call:
        datanet_id, version, count = self.random.choice(self.versions)
        accepted = self.accepted[datanet_id][:count]
        if not accepted:
            return self._garbage()
        contribution = self.random.choice(accepted)
        record = self.random.randrange(len(contribution.leaves))
        return call(
            self._account().address,
            DATANET_REGISTRY,
            "verifyRecord",
            datanet_id,
            version,
            contribution.position,
            contribution.id,
            contribution.first_record,
            merkle_proof(self._contribution_layers(accepted), contribution.position),
            contribution.leaves[record],
            record,
            merkle_proof(merkle_layers(contribution.leaves), record),
        )

    def _register_model(self) -> Call:
        owner = self._account()
        chosen = self.random.sample(self.versions, min(len(self.versions), self.random.randrange(3)))
        ids = [datanet_id for datanet_id, _, _ in chosen]
        versions = [version for _, version, _ in chosen]
        parent = self._some(self.models) if self.models and self.random.random() < 0.3 else 0

        def learn(outcome: Outcome) -> None:
            self.models[number(outcome)] = owner

        self._learn = learn
        arguments = (self._hash(), parent, self._hash(), ids, versions, self._text())
        return call(owner.address, MODEL_REGISTRY, "registerModel", *arguments)

    def _set_price(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        prices = (self.random.choice((0, UNIT, 10**27 + 1)), self.random.choice((UNIT, UNIT, 0)))
        return call(owner.address, MODEL_REGISTRY, "setPrice", model_id, *prices)

    def _set_revenue_recipient(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        recipient = self.random.choice((self._account().address, STAKING, Address(bytes(20))))
        return call(owner.address, MODEL_REGISTRY, "setRevenueRecipient", model_id, recipient)

    def _commit_index(self) -> Call:
        """By the owner or somebody else, who stakes first as often as not."""
        model_id = self._some(self.models)
        signer = self.models.get(model_id, self.accounts[0])
        if self.random.random() < 0.2:
            signer = self._account()
        if self.random.random() < 0.5:
            return self._index_of(model_id, signer)
        self._follow_up.insert(0, partial(self._index_of, model_id, signer))
        return call(signer.address, STAKING, "stake", 2, value_wei=1_000 * UNIT)

    def _set_index_signer(self) -> Call:
        model_id = self._some(self.models)
        owner, signer = self.models.get(model_id, self.accounts[0]), self._account()
        if self.random.random() < 0.5:
            self._follow_up.insert(0, partial(self._index_of, model_id, signer))
        return call(owner.address, MODEL_REGISTRY, "setIndexSigner", model_id, signer.address)

    def _retire_index(self) -> Call:
        """By the owner or a stranger, who may want its stake back then."""
        index_id = self._some(self.indexes)
        model_id = next((model for model, newest in self.index_of_model.items() if newest == index_id), 1)
        owner = self.models.get(model_id, self._account())
        if self.random.random() < 0.3:
            self._follow_up.append(partial(call, owner.address, STAKING, "withdraw", 2))
        return call(owner.address, MODEL_REGISTRY, "retireFeatureIndex", index_id)

    def _index_of(self, model_id: int, signer: Account) -> Call:
        dimensions = self.random.choice((1, 2, 3, 5))
        contributors = [each.address for each in self.accounts[: self.random.randrange(1, 6)]]
        top = self.random.choice((3, 100, 2**40))
        vectors = [[self.random.randint(-top, top) for _ in range(dimensions)] for _ in contributors]
        index = make_index(contributors, vectors)
        has_rows = self.random.random() < 0.5
        if has_rows:
            index = self._index_of_rows(contributors, dimensions)
        lies_in_norms = self.random.random() < 0.2
        if lies_in_norms:
            index = replace(index, norms=tuple(2**93 + 1 for _ in index.norms))

        def learn(outcome: Outcome) -> None:
            self.indexes[number(outcome)] = index
            self.index_of_model[model_id] = number(outcome)
            if lies_in_norms and self.random.random() < 0.5:
                self._follow_up = self._norm_follow_ups(number(outcome)) + self._follow_up
            elif has_rows and self.random.random() < 0.5:
                self._follow_up.extend(self._index_follow_ups())
            elif self.random.random() < 0.4:
                self._follow_up = self._jury_follow_ups(number(outcome)) + self._follow_up

        self._learn = learn
        return call(
            signer.address,
            MODEL_REGISTRY,
            "commitFeatureIndex",
            model_id,
            index.rows_root if has_rows else self._hash(),
            index.sums_root,
            self._hash(),
            self._hash(),
            len(index.rows) if has_rows else self.random.choice((1000, 1000, 1000, 2)),
            len(contributors),
            dimensions,
            self._text(),
        )

    def _index_of_rows(self, contributors: list[Address], dimensions: int) -> Index:
        """An index over a few rows, some of which break a rule, and sums that are sometimes off."""
        rows = []
        for i in range(self.random.randrange(len(contributors), 21)):
            top = self.random.choice((127, 127, 64, -128, 5))
            values = (top, *(self.random.randrange(-127, 128) for _ in range(dimensions - 1)))
            canonical = self.random.choice((i, i, i, 0, i + 1))
            exponent = self.random.choice((0, 0, 1, 3, 8))
            rows.append(Row(self.random.randrange(len(contributors)), canonical, exponent, values))
        index = index_of_rows(contributors, rows)
        if self.random.random() < 0.4:
            vectors = [[self.random.randint(-99, 99) for _ in range(dimensions)] for _ in contributors]
            index = replace(make_index(contributors, vectors), rows=tuple(rows))
        return index

    def _norm_follow_ups(self, index_id: int) -> list[Callable[[], Call]]:
        """What follows a fresh index whose norms lie."""
        raise NotImplementedError

    def _jury_follow_ups(self, index_id: int) -> list[Callable[[], Call]]:
        """What follows a fresh index that is brought before a jury."""
        raise NotImplementedError

    def _index_follow_ups(self) -> list[Callable[[], Call]]:
        """What follows a fresh index while it can be challenged."""
        return []
