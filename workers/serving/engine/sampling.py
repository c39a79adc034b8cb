"""How logits become tokens: for all rows of a batch at once, each row as if it were alone.

Every sequence draws one uniform number per token from its own generator, and the token is where that number
falls in the cumulative distribution; so a seed gives the same choices whatever else is in the batch.
Reported log-probabilities are the model's own, before penalties, biases and forms, as vLLM's are. The order
is that of `transformers`: penalties and biases, a form, temperature, top-k, top-p, min-p.
"""

from collections import Counter
from collections.abc import Sequence as Rows

import torch

from workers.serving.engine.sequence import SamplingSettings, Sequence, TokenOutput

Tensor = torch.Tensor
LEAST_TEMPERATURE = 1e-5


def choose(logits: Tensor, sequences: Rows[Sequence]) -> list[TokenOutput | None]:
    """One output per row of `logits` (rows, vocabulary), unfinished; None for a row that is not finite."""
    own = logits
    if any(sequence.sampling.has_adjustments or sequence.guide for sequence in sequences):
        own = logits.clone()
        _adjust(logits, sequences)
    _forbid_early_stops(logits, sequences)
    _keep_to_forms(logits, sequences)
    tokens = logits.argmax(dim=-1)
    best = logits.gather(1, tokens[:, None])[:, 0]  # a row with NaN has it here
    drawing = [row for row, sequence in enumerate(sequences) if is_drawing(sequence.sampling)]
    if drawing:
        chosen = [sequences[row] for row in drawing]
        tokens[torch.tensor(drawing, device=logits.device)] = _draw(logits[drawing], chosen)
    outputs: list[TokenOutput | None] = [TokenOutput(token) for token in tokens.tolist()]
    reporting = [row for row, sequence in enumerate(sequences) if sequence.sampling.logprobs is not None]
    for row, output in zip(reporting, _report(own, tokens, reporting, sequences), strict=True):
        outputs[row] = output
    for row in (~best.isfinite()).nonzero()[:, 0].tolist():
        outputs[row] = None
    return outputs


def is_drawing(sampling: SamplingSettings) -> bool:
    """False where the likeliest token is taken."""
    return sampling.temperature >= LEAST_TEMPERATURE


def _adjust(logits: Tensor, sequences: Rows[Sequence]) -> None:
    """Penalties for what was generated, and biases, in place."""
    for row, sequence in enumerate(sequences):
        sampling = sequence.sampling
        if sampling.repetition_penalty != 1.0:
            _penalise_repetition(logits[row], sequence)
        changes: dict[int, float] = dict(sampling.logit_bias)
        if sampling.presence_penalty or sampling.frequency_penalty:
            for token, count in Counter(sequence.generated).items():
                penalty = sampling.presence_penalty + count * sampling.frequency_penalty
                changes[token] = changes.get(token, 0.0) - penalty
        if changes:
            logits[row, list(changes)] += torch.tensor(list(changes.values()), device=logits.device)


def _penalise_repetition(logits: Tensor, sequence: Sequence) -> None:
    seen = torch.tensor(sorted({*sequence.prompt, *sequence.generated}), device=logits.device)
    penalty, own = sequence.sampling.repetition_penalty, logits[seen]
    logits[seen] = torch.where(own < 0, own * penalty, own / penalty)


def _keep_to_forms(logits: Tensor, sequences: Rows[Sequence]) -> None:
    for row, sequence in enumerate(sequences):
        if sequence.guide is not None:
            logits[row].masked_fill_(~sequence.guide.allowed().to(logits.device), -torch.inf)


def _forbid_early_stops(logits: Tensor, sequences: Rows[Sequence]) -> None:
    for row, sequence in enumerate(sequences):
        if len(sequence.generated) < sequence.sampling.min_tokens and sequence.sampling.stop_tokens:
            logits[row, list(sequence.sampling.stop_tokens)] = -torch.inf


def _draw(logits: Tensor, sequences: Rows[Sequence]) -> Tensor:
    """Rows whose choice is limited go by rank, the others in the vocabulary's order."""
    device = logits.device
    settings = [sequence.sampling for sequence in sequences]
    temperatures = torch.tensor([one.temperature for one in settings], device=device)
    scaled = logits / temperatures[:, None]
    uniform = torch.tensor(
        [sequence.randomness.random() for sequence in sequences], device=device, dtype=torch.float64
    )
    is_limited = torch.tensor([one.is_limited for one in settings], device=device)
    tokens = torch.empty(len(settings), dtype=torch.long, device=device)
    if not is_limited.all():
        free = ~is_limited
        tokens[free] = _invert(scaled[free].softmax(dim=-1, dtype=torch.float64), uniform[free])
    if is_limited.any():
        limits = [one for one in settings if one.is_limited]
        tokens[is_limited] = _draw_by_rank(scaled[is_limited], uniform[is_limited], limits)
    return tokens


def _draw_by_rank(scaled: Tensor, uniform: Tensor, settings: Rows[SamplingSettings]) -> Tensor:
    device = scaled.device
    ordered, tokens = scaled.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1, dtype=torch.float64)
    ranks = torch.arange(probabilities.shape[1], device=device)
    top_k = torch.tensor([one.top_k or probabilities.shape[1] for one in settings], device=device)
    probabilities = probabilities.masked_fill(ranks[None, :] >= top_k[:, None], 0.0)
    top_p = torch.tensor([one.top_p for one in settings], device=device, dtype=torch.float64)
    total = probabilities.sum(dim=-1, keepdim=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    probabilities = probabilities.masked_fill(before >= top_p[:, None] * total, 0.0)
    min_p = torch.tensor([one.min_p for one in settings], device=device, dtype=torch.float64)
    probabilities = probabilities.masked_fill(probabilities < min_p[:, None] * probabilities[:, :1], 0.0)
    return tokens.gather(1, _invert(probabilities, uniform)[:, None])[:, 0]


def _invert(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """The first index whose cumulative share exceeds `uniform` (rows); never one of probability 0."""
    cumulative = probabilities.cumsum(dim=-1)
    targets = uniform * cumulative[:, -1]
    index = torch.searchsorted(cumulative, targets[:, None], right=True)[:, 0]
    last_possible = (probabilities > 0).cumsum(dim=-1).argmax(dim=-1)
    return torch.minimum(index, last_possible)


def _report(
    logits: Tensor, tokens: Tensor, reporting: list[int], sequences: Rows[Sequence]
) -> list[TokenOutput]:
    if not reporting:
        return []
    rows = torch.tensor(reporting, device=logits.device)
    logprobs = logits[rows].log_softmax(dim=-1)
    own = logprobs.gather(1, tokens[rows][:, None])[:, 0].tolist()
    most = max(sequences[row].sampling.logprobs or 0 for row in reporting)
    values, indices = logprobs.topk(max(1, most), dim=-1)
    outputs = []
    for number, row in enumerate(reporting):
        count = sequences[row].sampling.logprobs or 0
        pairs = zip(indices[number, :count].tolist(), values[number, :count].tolist(), strict=True)
        outputs.append(TokenOutput(int(tokens[row]), own[number], tuple(pairs)))
    return outputs
