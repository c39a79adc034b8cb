"""How one request becomes an answer: checks, tokens, a sequence in the engine, text back piece by piece.

Covered: limits and back-pressure before anything is queued, first use of an adapter, stop strings,
cancelling when nobody listens any more, counting exactly what was produced. Not covered: the shape of
answers (`answers`).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from workers.serving.adapters.library import AdapterLibrary
from workers.serving.engine.sequence import (
    NO_ADAPTER,
    Event,
    SamplingSettings,
    Sequence,
    TokenOutput,
)
from workers.serving.engine.thread import EngineThread
from workers.serving.errors import BadRequestError, DrainingError, OverloadedError
from workers.serving.forms import FormGuide, Forms
from workers.serving.http.calls_form import calls_form
from workers.serving.http.parts import Part, joined, with_calls
from workers.serving.http.requested_form import requested_form
from workers.serving.http.requested_tools import requested_tools
from workers.serving.http.schema import ChatRequest, CompletionRequest, GenerationRequest
from workers.serving.text import TextStream, Tokenizer
from workers.serving.tools.calls import CallStream
from workers.serving.tools.tool import Tools

COMPLETION_TOKENS = 16
"""`max_tokens` of a completion that names none, as OpenAI has it; a chat may fill the context."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """`queue` requests may wait or run; `length` is a sequence's tokens; `vocabulary` its range."""

    queue: int
    length: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may run; `choices` answers are wanted."""

    model: str
    prompt: tuple[int, ...]
    sampling: SamplingSettings
    adapter: str
    stops: tuple[str, ...]
    top_logprobs: int | None
    guide: FormGuide | None = None
    choices: int = 1
    calls: int = 0
    """So many calls of tools it may have; 0: it is read as words."""


class Generator:
    """Everything a route needs to answer."""

    def __init__(
        self,
        *,
        base_name: str,
        tokenizer: Tokenizer,
        library: AdapterLibrary,
        engine: EngineThread,
        limits: ServerLimits,
        end_tokens: frozenset[int],
    ) -> None:
        self.base_name, self.tokenizer, self.library, self.engine = base_name, tokenizer, library, engine
        self.limits = limits
        self._end_tokens = end_tokens
        self._forms = Forms(tokenizer, limits.vocabulary, end_tokens)
        self.is_draining = False
        self.open_requests = 0
        self.refused = 0

    async def prepare(self, request: GenerationRequest) -> Asked:
        """Check everything that can be checked before the queue; raises a ServingError."""
        choices = request.n or 1
        self._admit(choices)
        request.refuse_unserved()
        tools = requested_tools(request) if isinstance(request, ChatRequest) else None
        adapter = await self.adapter_of(request.model)
        guide = await self._guide(request, tools)
        prompt = await asyncio.to_thread(self._tokens, request)
        return Asked(
            model=request.model or self.base_name,
            prompt=tuple(prompt),
            sampling=self._sampling(request, len(prompt)),
            adapter=adapter,
            stops=tuple(request.stops),
            top_logprobs=_top_logprobs(request),
            guide=guide,
            choices=choices,
            calls=tools.calls if tools else 0,
        )

    def chat_tokens(self, request: ChatRequest) -> list[int]:
        """Tokens of a conversation and its tools; raises BadRequestError for tools that the base cannot take.

        Where its template knows none it would not know how to call one by itself either, only when it must.
        """
        tools = requested_tools(request)
        if tools and not tools.forced and not self.tokenizer.knows_tools:
            raise BadRequestError(
                "this base's chat template does not know tools: with tool_choice 'required' or the name of"
                " one the answer is a call by its grammar, with 'none' it is words",
                "tools",
            )
        return self.tokenizer.encode_chat(
            request.plain_messages(),
            tools=tools.documents if tools else (),
            add_generation_prompt=request.add_generation_prompt,
        )

    async def _guide(self, request: GenerationRequest, tools: Tools | None) -> FormGuide | None:
        asked = requested_form(request)
        if asked and tools:
            raise BadRequestError(f"{asked[0]} and tools that may be called cannot go together", asked[0])
        if tools and tools.forced:
            asked = "tools", calls_form(tools.forced, tools.calls)
        if asked is None:
            return None
        if request.min_tokens:
            raise BadRequestError("min_tokens and a form of the answer cannot go together", "min_tokens")
        name, form = asked
        try:
            return await asyncio.to_thread(self._forms.guide, form)
        except BadRequestError as error:
            raise BadRequestError(str(error), name) from error

    async def adapter_of(self, model: str | None) -> str:
        """The adapter a model name stands for, loaded on its first use; raises ModelNotFoundError."""
        if model in {None, "", self.base_name}:
            return NO_ADAPTER
        return await asyncio.to_thread(self.library.resolve, str(model))

    async def answers(self, asked: Asked) -> AsyncGenerator[tuple[int, Part], None]:
        """Parts of all choices as they come, each with its choice's number."""
        arrived: asyncio.Queue[tuple[int, Part] | BaseException] = asyncio.Queue()

        async def follow(number: int) -> None:
            async with aclosing(self.answer(asked, number)) as parts:
                async for part in parts:
                    arrived.put_nowait((number, part))

        def ended(task: "asyncio.Task[None]") -> None:
            error = None if task.cancelled() else task.exception()
            if error is not None:
                arrived.put_nowait(error)

        following = [asyncio.create_task(follow(number)) for number in range(asked.choices)]
        for task in following:
            task.add_done_callback(ended)
        try:
            open_choices = asked.choices
            while open_choices:
                found = await arrived.get()
                if isinstance(found, BaseException):
                    raise found
                open_choices -= found[1].finish is not None
                yield found
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    async def answer(self, asked: Asked, number: int = 0) -> AsyncGenerator[Part, None]:
        """Parts of a choice as they come; the last one has a finish. Closing it cancels the generation.

        A seed is the first choice's; those after it have the next ones, as vLLM's have.
        """
        events: asyncio.Queue[Event] = asyncio.Queue()
        guide, sampling = asked.guide and asked.guide.copy(), asked.sampling
        if sampling.seed is not None and number:
            sampling = replace(sampling, seed=sampling.seed + number)
        sequence = Sequence(asked.prompt, sampling, asked.adapter, events.put_nowait, guide)
        text = TextStream(self.tokenizer, asked.stops)
        calls = CallStream() if asked.calls else None
        self.open_requests += 1
        try:
            self.engine.submit(sequence)
            while True:
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                part = self._part(text, event, asked.sampling)
                if calls is not None:
                    part = with_calls(part, calls, asked.calls)
                yield part
                if part.finish is not None:
                    return
        finally:
            self.open_requests -= 1
            self.engine.cancel(sequence)

    async def whole(self, asked: Asked) -> list[Part]:
        """Every choice as one part."""
        parts: list[list[Part]] = [[] for _ in range(asked.choices)]
        async with aclosing(self.answers(asked)) as arriving:
            async for number, part in arriving:
                parts[number].append(part)
        return [joined(each) for each in parts]

    def _part(self, text: TextStream, event: TokenOutput, sampling: SamplingSettings) -> Part:
        is_end = event.finish == "stop"
        piece = "" if is_end and event.token in self._end_tokens else text.add(event.token)
        if text.stop is not None:
            return Part(piece, (event,), "stop", text.stop)
        if event.finish is None:
            return Part(piece, (event,))
        piece += text.finish()
        is_asked = event.token in sampling.stop_tokens and event.token not in self._end_tokens
        reason = event.token if is_end and is_asked else None
        return Part(piece, (event,), event.finish, reason)

    def _admit(self, choices: int) -> None:
        if self.is_draining:
            raise DrainingError("the server is shutting down")
        if self.open_requests + choices > self.limits.queue:
            self.refused += 1
            raise OverloadedError(f"{self.open_requests} requests are open, which is the limit; try again")

    def _tokens(self, request: GenerationRequest) -> list[int]:
        if isinstance(request, ChatRequest):
            return self.chat_tokens(request)
        assert isinstance(request, CompletionRequest)
        prompt = request.one_prompt()
        if isinstance(prompt, str):
            return self.tokenizer.encode(prompt, add_special_tokens=request.add_special_tokens)
        if any(not 0 <= token < self.limits.vocabulary for token in prompt):
            raise BadRequestError(f"tokens are 0 to {self.limits.vocabulary - 1}", "prompt")
        return prompt

    def _sampling(self, request: GenerationRequest, prompt_tokens: int) -> SamplingSettings:
        parameter = "messages" if isinstance(request, ChatRequest) else "prompt"
        room = self.limits.length - prompt_tokens
        if prompt_tokens == 0:
            raise BadRequestError("the prompt is empty", parameter)
        wanted = request.max_tokens
        if isinstance(request, ChatRequest) and request.max_completion_tokens is not None:
            wanted = request.max_completion_tokens
        if wanted is None:
            wanted = room if isinstance(request, ChatRequest) else min(COMPLETION_TOKENS, room)
        if wanted < 1 and room >= 1:
            raise BadRequestError("max_tokens must be at least 1", "max_tokens")
        if wanted > room or room < 1:
            raise BadRequestError(
                f"This model's maximum context length is {self.limits.length} tokens; the prompt has "
                f"{prompt_tokens} and max_tokens asks for {max(wanted, 1)} more.",
                parameter,
            )
        stop_tokens = frozenset(request.stop_token_ids or ())
        if any(not 0 <= token < self.limits.vocabulary for token in stop_tokens):
            raise BadRequestError(f"tokens are 0 to {self.limits.vocabulary - 1}", "stop_token_ids")
        return SamplingSettings(
            max_tokens=wanted,
            temperature=1.0 if request.temperature is None else request.temperature,
            top_p=1.0 if request.top_p is None else request.top_p,
            top_k=max(0, request.top_k or 0),
            seed=request.seed,
            stop_tokens=stop_tokens if request.ignore_eos else stop_tokens | self._end_tokens,
            min_tokens=request.min_tokens,
            logprobs=_top_logprobs(request),
            presence_penalty=request.presence_penalty or 0.0,
            frequency_penalty=request.frequency_penalty or 0.0,
            repetition_penalty=request.repetition_penalty or 1.0,
            min_p=request.min_p or 0.0,
            logit_bias=request.biases(self.limits.vocabulary),
        )


def _top_logprobs(request: GenerationRequest) -> int | None:
    if isinstance(request, ChatRequest):
        if not request.logprobs and request.top_logprobs:
            raise BadRequestError("top_logprobs needs logprobs = true", "top_logprobs")
        return (request.top_logprobs or 0) if request.logprobs else None
    assert isinstance(request, CompletionRequest)
    return request.logprobs
