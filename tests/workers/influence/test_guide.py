"""The example of `docs/attribution.md` as it stands there."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

GUIDE = Path(__file__).parents[3] / "docs" / "attribution.md"


class Pairs(nn.Module):
    """Relevance of a document to a query."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(6, 40), nn.Linear(40, 30)

    def forward(self, query: Tensor, document: Tensor) -> Tensor:
        """(N, 3) and (N, 3) to (N, 1)."""
        hidden = torch.tanh(self.body(torch.cat([query, document], dim=1)))
        relevance: Tensor = self.head(hidden).sum(dim=1, keepdim=True)
        return relevance


def test_the_guides_task_runs() -> None:
    (code,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
        if "class Ranking" in block
    ]
    assert len(code.split("attributor = ")[0].strip().splitlines()) <= 20
    generator = torch.Generator().manual_seed(1)
    batches = [tuple(torch.rand(10, 3, generator=generator) for _ in range(3)) for _ in range(3)]
    scope: dict[str, Any] = {"model": Pairs(), "loader": batches, "loader_of_questions": batches[:1]}
    exec(code, scope)
    assert len(scope["index"]) == 30
    assert scope["index"].dimensions == 1_024
    # A triple the model was trained on is explained by itself before most others.
    places = [
        [one.record for one in found].index(i)
        for i, found in enumerate(scope["top"])
        if i in [r.record for r in found]
    ]
    assert len(places) >= 8
