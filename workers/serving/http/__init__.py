"""The OpenLoRA server as clients see it: OpenAI's and vLLM's HTTP dialect."""
