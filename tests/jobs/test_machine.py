"""The job machine: what no order of events may break."""

from hypothesis import given
from hypothesis import strategies as st

from openledger_node.jobs.machine import (
    FINISHED,
    MAX_ATTEMPTS,
    POISON_LIMIT,
    AskedAgain,
    Cancelled,
    Event,
    Failed,
    Job,
    JobState,
    NodeRestarted,
    Started,
    Succeeded,
    WorkerLost,
    job_id,
    new_job,
    step,
)

times = st.floats(min_value=0, max_value=1e9)
events: st.SearchStrategy[Event] = st.one_of(
    st.just(Started()),
    st.builds(Succeeded, st.integers()),
    st.builds(Failed, st.text(max_size=5), st.booleans(), times),
    st.builds(WorkerLost, times),
    st.just(NodeRestarted()),
    st.just(Cancelled()),
    st.builds(AskedAgain, times),
)


def run(job: Job, *received: Event) -> Job:
    for event in received:
        job = step(job, event)
    return job


@given(st.lists(events, max_size=40))
def test_finished_stays_finished_until_asked_again(received: list[Event]) -> None:
    job = new_job("train", {}, 0.0)
    for event in received:
        after = step(job, event)
        if job.state in FINISHED and not isinstance(event, AskedAgain):
            assert after == job
        if job.state is JobState.DONE:
            assert after == job
        job = after


@given(st.lists(events, max_size=60))
def test_attempts_and_lost_workers_are_bounded(received: list[Event]) -> None:
    job = new_job("train", {}, 0.0)
    starts = 0
    for event in received:
        after = step(job, event)
        starts = 0 if isinstance(event, AskedAgain) and job.state in FINISHED else starts
        starts += after.state is JobState.RUNNING and job.state is JobState.QUEUED
        assert after.lost_workers <= POISON_LIMIT
        if job.state is not JobState.DONE:
            assert after.attempts == starts
        job = after


@given(st.lists(events, max_size=30))
def test_only_a_running_job_succeeds(received: list[Event]) -> None:
    job = new_job("train", {}, 0.0)
    for event in received:
        after = step(job, event)
        if after.state is JobState.DONE and job.state is not JobState.DONE:
            assert job.state is JobState.RUNNING
            assert isinstance(event, Succeeded)
            assert after.result == event.result
        job = after


def test_restart_queues_a_running_job_again() -> None:
    job = run(new_job("train", {}, 0.0), Started(), NodeRestarted())
    assert job.state is JobState.QUEUED
    assert run(job, Started(), Succeeded(7)).result == 7


def test_a_job_that_kills_workers_fails() -> None:
    job = new_job("train", {}, 0.0)
    for _ in range(POISON_LIMIT):
        job = run(job, Started(), WorkerLost(1.0, "ImportError: no torch"))
        assert "no torch" in job.error
    assert job.state is JobState.FAILED
    assert "died" in job.error


def test_retryable_failures_back_off_and_then_stick() -> None:
    job = new_job("train", {}, 0.0)
    waits = []
    for _ in range(MAX_ATTEMPTS):
        job = run(job, Started(), Failed("no memory", True, 100.0))
        waits.append(job.not_before_s - 100.0)
    assert job.state is JobState.FAILED
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]


def test_asking_again_revives_a_failed_job_with_a_clean_record() -> None:
    job = run(new_job("train", {}, 0.0), Started(), Failed("bad", False, 1.0), AskedAgain(5.0))
    assert (job.state, job.attempts, job.error, job.not_before_s) == (JobState.QUEUED, 0, "", 5.0)


def test_the_id_names_kind_and_request_whatever_the_key_order() -> None:
    assert job_id("train", {"a": 1, "b": 2}) == job_id("train", {"b": 2, "a": 1})
    assert job_id("train", {"a": 1}) != job_id("queries", {"a": 1})
