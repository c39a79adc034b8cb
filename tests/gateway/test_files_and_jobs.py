"""Artefacts, jobs, datasets, events and the status page over HTTP."""

import hashlib

import aiohttp
import pytest

from openledger_node.client.account import dev_account
from openledger_node.client.gateway import GatewayError
from tests.gateway.conftest import Running
from workers.datasets.contribution import summarize
from workers.datasets.digits import demo_parts
from workers.datasets.records import encode_jsonl


async def test_artefacts_come_back_as_they_went(running: Running) -> None:
    name = await running.http.put_artifact(b"hello")
    assert await running.http.get_artifact(name) == b"hello"
    assert await running.http.put_artifact(b"hello") == name


async def test_artefacts_must_be_what_their_name_says(running: Running) -> None:
    name = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(GatewayError) as caught:
        await running.http._request("PUT", f"/artifacts/{name}", b"hello")
    assert caught.value.status == 400
    with pytest.raises(GatewayError) as caught:
        await running.http.get_artifact(name)
    assert caught.value.status == 404


async def test_artefacts_have_a_size_limit(running: Running) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.put_artifact(bytes((1 << 20) + 1))
    assert caught.value.status == 413


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "ABC", "0" * 63])
async def test_only_names_are_names(running: Running, name: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/artifacts/{name}") as answer:
        assert answer.status in {400, 404}


async def test_a_job_runs_and_its_news_resume(running: Running) -> None:
    result = await running.http.job("ping", {})
    assert result["device"] == "cpu"
    job = await running.http.post("/api/jobs", {"kind": "ping", "request": {}})
    assert job["state"] == "done"
    events = await _events(running, job["id"])
    assert [event["event"] for event in events if event["event"] == "state"] == ["state"] * 3
    assert await _events(running, job["id"], events[0]["id"]) == events[1:]


async def _events(running: Running, job_id: str, last: str = "0") -> list[dict[str, str]]:
    """All server-sent events of a finished job."""
    headers = {"Last-Event-ID": last}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.url}/api/jobs/{job_id}/events", headers=headers) as response,
    ):
        assert response.content_type == "text/event-stream"
        text = (await response.read()).decode()
    blocks = [block for block in text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "format_disk", "request": {}},
        {"kind": "train", "request": {}},
        {"kind": "train", "request": None},
        {"kind": "ping", "request": {"extra": 1}},
    ],
)
async def test_jobs_that_are_not_offered_or_malformed_are_refused(
    running: Running, body: dict[str, object]
) -> None:
    with pytest.raises(GatewayError) as caught:
        await running.http.post("/api/jobs", body)
    assert caught.value.status == 400


async def test_a_dataset_is_checked_and_summed_up(running: Running) -> None:
    data = encode_jsonl(demo_parts(1, part_records=8).parts[0])
    name = await running.http.put_artifact(data)
    account = dev_account(1).address
    body = {"artifact": name, "datanet_id": 3, "contributor": f"0x{account.hex()}"}
    found = await running.http.post("/api/datasets", body)
    expected = summarize(data, chain_id=31338, datanet_id=3, contributor=account)
    assert (found["root"], found["records"]) == (f"0x{expected.root.hex()}", 8)
    assert (await running.http.get("/api/datasets"))["datasets"] == [found]


async def test_a_malformed_dataset_names_its_line(running: Running) -> None:
    name = await running.http.put_artifact(b'{"features":[1],"label":0}\n{"features":[300],"label":0}\n')
    body = {"artifact": name, "datanet_id": 3, "contributor": "0x" + "11" * 20}
    with pytest.raises(GatewayError, match="line 2"):
        await running.http.post("/api/datasets", body)


async def test_the_status_page_is_self_contained(running: Running) -> None:
    async with aiohttp.ClientSession() as session, session.get(running.url) as response:
        text = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http://" not in text.replace(running.url, "")
    assert "https://" not in text
    for words in ("Heads", "Workers", "Jobs", "Contracts", "0x1612000000000000000000000000000000000001"):
        assert words in text
    status = await running.http.get("/api/status")
    assert status["chainId"] == 31338
    assert status["heads"]["unsafe"]["number"] > 0
