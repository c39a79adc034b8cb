"""A forged sketch behind an index: proved where it is stated, brought before a jury where it is hidden."""

import numpy as np
import pytest

from openledger_node.client.economy import ATTRIBUTION
from openledger_node.client.ethereum import Ethereum
from precompiles.views.attribution import INDEX_VOID
from tests.jobs.economy import Economy
from tests.validator.forging import FORGER, forged_model, stake_a_juror, stating
from tests.validator.indexing import commit, published
from tests.validator.test_indexes import rounds, status
from tests.validator.test_service import validator
from workers.datasets.kinds import decode_records, sketch_of_record
from workers.datasets.stated import without_stated
from workers.errors import InvalidInputError


def kept_place(economy: Economy) -> tuple[int, int]:
    """The row of a kept record of the forger's, and its number in the contribution."""
    rows, _ = published(economy)
    before = sum(len(decode_records(part)) for part in economy.trained.parts[: FORGER - 1])
    number = int(np.flatnonzero(rows.canonical_mask[before:])[0])
    return before + number, number


def forged(economy: Economy, number: int) -> bytes:
    """The record's sketch, one place off."""
    sketch = sketch_of_record(decode_records(economy.trained.parts[FORGER - 1])[number])
    return bytes([sketch[0] ^ 1]) + sketch[1:]


@pytest.mark.parametrize("is_forged", [True, False])
async def test_a_stated_sketch_is_contested_iff_it_is_wrong(economy: Economy, is_forged: bool) -> None:
    _, number = kept_place(economy)
    files = list(economy.trained.parts)
    right = sketch_of_record(decode_records(files[FORGER - 1])[number])
    sketch = forged(economy, number) if is_forged else right
    model_id = await forged_model(economy, files, number, sketch, stating(files[FORGER - 1], number, sketch))
    rows, sums = published(economy)
    index_id = await commit(economy, rows, sums, model_id=model_id)
    one = validator(economy)
    await rounds(one, economy)
    assert (await status(economy, index_id) == INDEX_VOID) == is_forged
    assert one.indexes.challenged == is_forged


async def test_a_hidden_sketch_is_brought_before_a_jury(economy: Economy) -> None:
    """The file is honest, the root is not: nobody can make the leaf, so the records are not to be had."""
    _, number = kept_place(economy)
    files = list(economy.trained.parts)
    model_id = await forged_model(economy, files, number, forged(economy, number), files[FORGER - 1])
    stake_a_juror(economy)
    rows, sums = published(economy)
    index_id = await commit(economy, rows, sums, model_id=model_id)
    one = validator(economy)
    await rounds(one, economy, 4)
    opened = await Ethereum(economy.node).events(ATTRIBUTION, "JuryCaseOpened")
    assert [event.arguments["position"] for event in opened] == [len(decode_records(files[0]))]
    assert one.indexes.cases.opened == 1
    assert await status(economy, index_id) == 1


def test_what_is_stated_is_taken_out_of_the_file() -> None:
    file = b'{"features":[1],"label":2}\n\n{"label":3,"sketch":"0x0aff","features":[4]}\n'
    bare, stated = without_stated(file)
    assert bare == b'{"features":[1],"label":2}\n{"features":[4],"label":3}\n'
    assert stated == {1: b"\x0a\xff"}
    assert without_stated(bare) == (bare, {})
    with pytest.raises(InvalidInputError, match="line 1: sketch"):
        without_stated(b'{"sketch":"0xzz"}')
    with pytest.raises(InvalidInputError, match="line 1"):
        decode_records(stating(bare, 0, b"\x01"))
