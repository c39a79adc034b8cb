"""Tokens from logits: seeds, temperatures, nuclei, and rows that do not see each other."""

from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workers.serving.engine.sampling import choose
from workers.serving.engine.sequence import NO_ADAPTER, SamplingSettings, Sequence, TokenOutput


def sequence(**sampling: object) -> Sequence:
    return Sequence((1,), SamplingSettings(8, **sampling), NO_ADAPTER, lambda event: None)  # type: ignore[arg-type]


def token(logits: torch.Tensor, one: Sequence) -> int:
    (output,) = choose(logits[None].clone(), [one])
    assert output is not None
    return output.token


LOGITS = torch.log(torch.tensor([0.1, 0.5, 0.3, 0.1]))


def test_temperature_zero_takes_the_likeliest() -> None:
    assert token(LOGITS, sequence(temperature=0.0)) == 1


def test_frequencies_are_the_probabilities() -> None:
    one = sequence(seed=1)
    counts = torch.bincount(torch.tensor([token(LOGITS, one) for _ in range(4_000)]), minlength=4)
    assert ((counts / 4_000 - LOGITS.exp()).abs() < 0.03).all()


def test_nucleus_and_top_k_leave_the_rest_out() -> None:
    nucleus, three = sequence(seed=1, top_p=0.75), sequence(seed=1, top_k=1)
    assert {token(LOGITS, nucleus) for _ in range(200)} == {1, 2}
    assert {token(LOGITS, three) for _ in range(50)} == {1}


@settings(max_examples=40, deadline=None)
@example(seed=0, temperature=1.0, top_p=1.0, top_k=0, others=1)
@given(
    st.integers(0, 2**64 - 1),
    st.floats(0.1, 3.0),
    st.floats(0.05, 1.0),
    st.integers(0, 10),
    st.integers(0, 6),
)
def test_a_seed_gives_the_same_choice_in_any_company(
    seed: int, temperature: float, top_p: float, top_k: int, others: int
) -> None:
    logits = torch.randn(7, 50, generator=torch.Generator().manual_seed(others))
    settings_ = {"seed": seed, "temperature": temperature, "top_p": top_p, "top_k": top_k}
    alone = token(logits[0], sequence(**settings_))
    company = [sequence(**settings_), *(sequence(seed=number, top_p=0.9) for number in range(others))]
    together = choose(logits[: len(company)].clone(), company)
    assert together[0] == TokenOutput(alone)


def test_logprobs_are_of_the_unscaled_distribution() -> None:
    (output,) = choose(LOGITS[None].clone(), [sequence(temperature=0.0, logprobs=2)])
    assert output is not None
    assert output.logprob is not None
    assert abs(output.logprob - float(LOGITS[1])) < 1e-6
    assert [index for index, _value in output.alternatives] == [1, 2]


def test_penalties_count_what_was_generated() -> None:
    one = sequence(temperature=0.0, presence_penalty=0.3, frequency_penalty=0.3, logprobs=1)
    assert token(LOGITS, one) == 1
    one.generated.append(1)
    assert token(LOGITS, one) == 2  # log(.5) - .6 < log(.3)
    one.generated.extend([2, 2])
    (output,) = choose(LOGITS[None].clone(), [one])
    assert output is not None
    assert output.token == 1
    assert output.logprob is not None
    assert abs(output.logprob - float(LOGITS[1])) < 1e-6  # the model's own


def test_biases_are_added_to_their_row_only() -> None:
    rows = [sequence(temperature=0.0, logit_bias=((3, 100.0),)), sequence(temperature=0.0)]
    outputs = choose(torch.stack([LOGITS, LOGITS]), rows)
    assert [output and output.token for output in outputs] == [3, 1]


def test_rows_that_are_not_finite_are_named() -> None:
    bad = torch.full((4,), torch.nan)
    outputs = choose(torch.stack([LOGITS, bad, LOGITS]), [sequence(temperature=0.0) for _ in range(3)])
    assert outputs == [TokenOutput(1), None, TokenOutput(1)]


def test_minimum_length_forbids_the_end() -> None:
    one = sequence(temperature=0.0, min_tokens=1, stop_tokens=frozenset({1}))
    assert token(LOGITS, one) == 2
    one.generated.append(2)
    assert token(LOGITS, one) == 1


class Grid:
    """Random numbers that are not: the middles of `count` equal parts of [0, 1), in turn."""

    def __init__(self, count: int) -> None:
        self._values = iter([(place + 0.5) / count for place in range(count)])

    def random(self) -> float:
        return next(self._values)


def shares(logits: torch.Tensor, one: Sequence, count: int = 500) -> torch.Tensor:
    """How often each token is drawn, over all random numbers."""
    one.randomness = Grid(count)  # type: ignore[assignment] # stands for its method `random`
    drawn = [token(logits, one) for _ in range(count)]
    return torch.bincount(torch.tensor(drawn), minlength=len(logits)) / count


@pytest.mark.parametrize(
    "asked",
    [
        {"repetition_penalty": 1.7},
        {"repetition_penalty": 0.6},
        {"min_p": 0.2},
        {"min_p": 1.0},
        {"min_p": 0.05, "temperature": 0.5, "top_k": 9, "top_p": 0.8},
        {"min_p": 0.1, "temperature": 1.8, "repetition_penalty": 1.2, "top_p": 0.95},
    ],
)
def test_shares_are_those_of_transformers(asked: dict[str, Any]) -> None:
    logits = 2.0 * torch.randn(20, generator=torch.Generator().manual_seed(4))
    prompt, generated = (3, 5, 5), [7, 2]
    processors: list[Any] = []
    if "repetition_penalty" in asked:
        processors.append(RepetitionPenaltyLogitsProcessor(asked["repetition_penalty"]))
    processors.append(TemperatureLogitsWarper(asked.get("temperature", 1.0)))
    if "top_k" in asked:
        processors.append(TopKLogitsWarper(asked["top_k"]))
    if "top_p" in asked:
        processors.append(TopPLogitsWarper(asked["top_p"]))
    if "min_p" in asked:
        processors.append(MinPLogitsWarper(asked["min_p"]))
    seen = torch.tensor([[*prompt, *generated]])
    expected = LogitsProcessorList(processors)(seen, logits[None].clone())[0].softmax(dim=-1)  # type: ignore[arg-type]
    one = Sequence(prompt, SamplingSettings(8, **asked), NO_ADAPTER, lambda event: None, generated=generated)
    found = shares(logits, one)
    assert not found[expected == 0].any(), "a token that was ruled out was drawn"
    assert (found - expected).abs().max() < 3e-3  # a 500th at each end of a share


def test_a_repetition_penalty_is_its_rows_own() -> None:
    logits = torch.tensor([1.0, 1.1, -1.0])
    rows = [sequence(temperature=0.0, repetition_penalty=2.0), sequence(temperature=0.0)]
    outputs = choose(torch.stack([logits, logits]), rows)  # the prompt is token 1
    assert [output and output.token for output in outputs] == [0, 1]
