"""`attribution check|challenge|demand|answer` against the law: what a validator does, as commands."""

import asyncio

import pytest

from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, POST_VOID
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostNotice
from precompiles.views.attribution import INDEX_VOID
from tests.jobs.economy import PROVIDER, Economy
from tests.validator.conftest import Run
from tests.validator.indexing import commit, published, with_norm
from tests.validator.posting import earner, right_post, send_post, settle, with_score
from workers.attribution.index import sums_of


def posted(economy: Economy, by: int = 0) -> PostNotice:
    """A post about one settlement; its best score is off by so much."""

    async def send() -> PostNotice:
        post = await right_post(economy, await settle(economy))
        best = earner(post)
        return await send_post(economy, with_score(post, best, post.batches[0].scores[best] + by))

    return asyncio.run(send())


def status(economy: Economy, notice: PostNotice) -> int:
    return asyncio.run(economy.reader.post(notice.post_id)).status


def test_a_right_post_is_said_to_be_right_and_not_challenged(
    economy: Economy, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    notice = posted(economy)
    number = str(notice.post_id)
    assert run("check", "post", number) == {"postId": number, "verdict": "right"}
    with pytest.raises(SystemExit):
        run("challenge", "post", number)
    assert f"post {number} is right" in capsys.readouterr().err
    assert status(economy, notice) == POST_PENDING


def test_a_wrong_score_is_found_and_proved(economy: Economy, run: Run) -> None:
    notice = posted(economy, by=1)
    number = str(notice.post_id)
    found = run("check", "post", number)
    assert found["verdict"] == "wrong-score"
    assert int(found["posted"]) == int(found["computed"]) + 1
    assert run("challenge", "post", number, "--dry-run")["void"] is False
    assert status(economy, notice) == POST_PENDING
    assert run("challenge", "post", number)["void"] is True
    assert status(economy, notice) == POST_VOID
    economy.node.advance(60)
    run("challenge", "bond", "post", number)


def test_what_is_demanded_is_answered_out_of_the_documents(economy: Economy, run: Run) -> None:
    notice = posted(economy)
    number = str(notice.post_id)
    first = run("demand", "post", number, "--tree", "scores", "--position", "1")
    demand = str(first["demandId"])
    assert run("demand", "show", demand)["isOpen"] is True
    run("answer", demand, account=PROVIDER)
    answered = run("demand", "show", demand)
    assert answered["isOpen"] is False
    assert len(answered["shown"]) == 1
    above = answered["shown"][0]
    deeper = run("demand", "post", number, "--tree", "scores", "--position", "1", "--opened-above", above)
    run("answer", str(deeper["demandId"]), account=PROVIDER)


def test_an_index_is_checked(economy: Economy, run: Run) -> None:
    found = run("check", "index", "1")
    assert found["verdict"] in {"right", "unprovable"}, found
    assert asyncio.run(Ethereum(economy.node).block_number()) > 0


@pytest.mark.parametrize("fault", ["norm", "row"])
def test_a_wrong_index_is_found_and_proved(economy: Economy, run: Run, fault: str) -> None:
    rows, sums = published(economy)
    if fault == "norm":
        sums = with_norm(sums, 1, 1)
    else:
        rows.mantissas[7, 3] = -128
        sums = sums_of(rows, sums.contributors)
    number = str(asyncio.run(commit(economy, rows, sums)))
    assert run("check", "index", number)["verdict"] == {"norm": "wrong-norm", "row": "broken-row"}[fault]
    assert run("challenge", "index", number)["void"] is True
    assert asyncio.run(Ethereum(economy.node).read(ATTRIBUTION, "indexStatus", int(number))) == INDEX_VOID


def test_nonsense_is_one_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("check", "post", "77"), ("answer", "77"), ("demand", "post", "77")):
        with pytest.raises(SystemExit):
            run(*words)
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1
