"""What clients may ask: OpenAI's request fields as vLLM reads them, and which of them are refused.

Fields we do not know are ignored, as vLLM does; fields that would change the answer and are not served are
refused by name, because a wrong answer is worse than none.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workers.serving.errors import BadRequestError
from workers.serving.http.messages import plain_message

MOST_CHOICES = 16
MOST_STOPS = 16
MOST_LOGPROBS = 20
MOST_BIASES = 1_024
LARGEST_BIAS = 100.0
MOST_REPETITION_PENALTY = 100.0


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=False)


class StreamOptions(_Request):
    """`include_usage` adds a last chunk with the usage; `continuous_usage_stats` puts it in every chunk."""

    include_usage: bool = False
    continuous_usage_stats: bool = False


class GenerationRequest(_Request):
    """What completions and chat completions share."""

    model: str | None = None
    max_tokens: int | None = Field(None, ge=0)
    temperature: float | None = Field(None, ge=0, le=100)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**64)
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    min_tokens: int = Field(0, ge=0)
    n: int | None = Field(None, ge=1, le=MOST_CHOICES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    return_token_ids: bool | None = None
    user: str | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    repetition_penalty: float | None = Field(None, gt=0, le=MOST_REPETITION_PENALTY)
    min_p: float | None = Field(None, ge=0, le=1)
    logit_bias: dict[int, float] | None = Field(None, max_length=MOST_BIASES)
    best_of: int | None = None
    use_beam_search: bool = False
    response_format: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None
    guided_json: dict[str, Any] | str | None = None
    guided_regex: str | None = None
    guided_choice: list[str] | None = None

    @property
    def stops(self) -> list[str]:
        """Stop strings as a list."""
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or ())

    @model_validator(mode="after")
    def _check_stops(self) -> "GenerationRequest":
        if len(self.stops) > MOST_STOPS or "" in self.stops:
            raise ValueError(f"stop takes up to {MOST_STOPS} strings that are not empty")
        return self

    def biases(self, vocabulary: int) -> tuple[tuple[int, float], ...]:
        """`logit_bias` by token; raises BadRequestError for what is no token or beyond OpenAI's range."""
        biases = tuple((self.logit_bias or {}).items())
        if any(not 0 <= token < vocabulary for token, _bias in biases):
            raise BadRequestError(f"tokens are 0 to {vocabulary - 1}", "logit_bias")
        if not all(abs(bias) <= LARGEST_BIAS for _token, bias in biases):
            raise BadRequestError(f"a bias is from -{LARGEST_BIAS:.0f} to {LARGEST_BIAS:.0f}", "logit_bias")
        return biases

    def refuse_unserved(self) -> None:
        """Raises BadRequestError for a value that asks for something that is not served."""
        neutral = {
            "best_of": (None, 1),
            "use_beam_search": (False,),
        }
        for name, values in neutral.items():
            if getattr(self, name) not in values:
                raise BadRequestError(f"{name} = {getattr(self, name)!r} is not served here", name)


class CompletionRequest(GenerationRequest):
    """`POST /v1/completions`. A prompt is text or tokens; one per request."""

    prompt: str | list[int] | list[str] | list[list[int]]
    logprobs: int | None = Field(None, ge=0, le=MOST_LOGPROBS)
    echo: bool | None = False
    suffix: str | None = None
    add_special_tokens: bool = True

    def refuse_unserved(self) -> None:
        """As for all, and echo, suffix."""
        super().refuse_unserved()
        if self.echo:
            raise BadRequestError("echo is not served here", "echo")
        if self.suffix:
            raise BadRequestError("suffix is not served here", "suffix")

    def one_prompt(self) -> str | list[int]:
        """The prompt; raises BadRequestError for several."""
        prompt = self.prompt
        if isinstance(prompt, str):
            return prompt
        tokens = [token for token in prompt if isinstance(token, int)]
        if len(tokens) == len(prompt):
            return tokens
        if len(prompt) != 1 or isinstance(prompt[0], int):
            raise BadRequestError("exactly one prompt is served per request", "prompt")
        return prompt[0]


class ChatRequest(GenerationRequest):
    """`POST /v1/chat/completions`."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=0)
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=MOST_LOGPROBS)
    tools: list[Any] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    function_call: str | dict[str, Any] | None = None
    add_generation_prompt: bool = True

    def refuse_unserved(self) -> None:
        """As for all, and what tools were before."""
        super().refuse_unserved()
        for name in ("functions", "function_call"):
            if getattr(self, name) is not None:
                raise BadRequestError(f"{name} is not served here: use tools and tool_choice", name)

    def plain_messages(self) -> list[dict[str, Any]]:
        """Messages as chat templates take them; raises BadRequestError."""
        return [plain_message(message) for message in self.messages]


class TokenizeRequest(_Request):
    """`POST /tokenize`: a prompt or messages."""

    model: str | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    tools: list[Any] | None = None
    tool_choice: str | dict[str, Any] | None = None
    add_special_tokens: bool | None = None
    add_generation_prompt: bool = True
    return_token_strs: bool | None = False


class DetokenizeRequest(_Request):
    """`POST /detokenize`."""

    model: str | None = None
    tokens: list[int]


class LoadAdapterRequest(_Request):
    """`POST /v1/load_lora_adapter`; `lora_path` is `sha256:<hex>` or a folder where those are allowed."""

    lora_name: str = Field(min_length=1, max_length=200)
    lora_path: str = Field(min_length=1, max_length=4096)
    pin: bool = False


class UnloadAdapterRequest(_Request):
    """`POST /v1/unload_lora_adapter`."""

    lora_name: str = Field(min_length=1, max_length=200)


Endpoint = Literal["completion", "chat"]
