"""A small model that has learnt, in seconds, to call a tool in Qwen's form: asked for the weather it calls,
given a result it speaks of it. Its chat template knows tools.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig

from tests.workers.serving.models import DIMENSIONS, make_base, make_tokenizer
from workers.serving.text import Tokenizer

TEMPLATE = (
    "{% if tools %}<tools>{% for tool in tools %}{{ tool.function.name }};{% endfor %}\n{% endif %}"
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}"
    "{% for call in message.tool_calls or [] %}<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}'
    "\n</tool_call>{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 12}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock"}}
QUESTION: Any = {"role": "user", "content": "How is it in Oslo?"}
TWICE: Any = {"role": "user", "content": "In Oslo and in Rome?"}
ARGUMENTS = '{"city": "Oslo"}'
ROME = '{"city": "Rome"}'
CALLED: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
    ],
}
RESULT: Any = {"role": "tool", "tool_call_id": "call_1", "content": "snow"}
ANSWER = "It snows in Oslo."
BEFORE = "I look."
STEPS, LEARNING_RATE = 110, 3e-3
TOOLS: Any = [WEATHER, CLOCK]


def call_text(arguments: str) -> str:
    return f'<tool_call>\n{{"name": "weather", "arguments": {arguments}}}\n</tool_call>'


def make_tool_speaker(folder: Path) -> None:
    """Save the model with its tokenizer; its template is `TEMPLATE`."""
    model = make_base(folder, LlamaConfig(**{**DIMENSIONS, "max_position_embeddings": 512}))
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    _train(model, Tokenizer(tokenizer))
    model.save_pretrained(folder)


def _train(model: Any, tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.mul_(0.2)
    texts = [_example(tokenizer, *each) for each in _lessons()]
    learning = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    model.train()
    for _ in range(STEPS):
        loss = sum(model(input_ids=tokens, labels=labels).loss for tokens, labels in texts)
        learning.zero_grad()
        loss.backward()
        learning.step()
    model.eval()


def _lessons() -> list[tuple[list[dict[str, Any]], list[dict[str, Any]], str]]:
    plain = {"role": "assistant", "content": "", "tool_calls": _objects()}
    return [
        ([QUESTION], TOOLS, call_text(ARGUMENTS)),
        ([TWICE], TOOLS, f"{BEFORE}\n{call_text(ARGUMENTS)}\n{call_text(ROME)}"),
        ([QUESTION, plain, RESULT], TOOLS, ANSWER),
        ([QUESTION], [], "Nobody knows."),
    ]


def _objects() -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}]


def _example(
    tokenizer: Tokenizer, messages: list[dict[str, Any]], tools: list[dict[str, Any]], answer: str
) -> tuple[torch.Tensor, torch.Tensor]:
    prompt = tokenizer.encode_chat(messages, tools=tools)
    said = [*tokenizer.encode(answer, add_special_tokens=False), 1]
    labels = [-100] * len(prompt) + said
    return torch.tensor([[*prompt, *said]]), torch.tensor([labels])
