"""What operators watch: the server's counters in Prometheus' text format, under vLLM's and our own names."""

from workers.serving.http.generation import Generator


def exposition(generator: Generator) -> str:
    """All metrics as text."""
    engine, library = generator.engine.statistics(), generator.library.statistics()
    slots = generator.engine.engine.slots
    gauges = {
        "vllm:num_requests_running": engine.running,
        "vllm:num_requests_waiting": max(0, generator.open_requests - engine.running),
        "openledger_serving_adapters_known": library.known,
        "openledger_serving_adapters_in_memory": library.in_memory,
        "openledger_serving_adapters_in_slots": len(slots.resident),
        "openledger_serving_adapter_memory_bytes": library.memory_bytes,
        "openledger_serving_draining": int(generator.is_draining),
    }
    counters = {
        "vllm:prompt_tokens_total": engine.prompt_tokens + engine.cached_tokens,
        "vllm:prefix_cache_hits_total": engine.cached_tokens,
        "vllm:generation_tokens_total": engine.generated_tokens,
        "openledger_serving_steps_total": engine.steps,
        "openledger_serving_adapter_loads_total": library.loads,
        "openledger_serving_adapter_hits_total": library.hits,
        "openledger_serving_slot_loads_total": slots.loads,
        "openledger_serving_refused_total": generator.refused,
    }
    lines = []
    for kind, metrics in (("gauge", gauges), ("counter", counters)):
        for name, value in metrics.items():
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join(lines) + "\n"
