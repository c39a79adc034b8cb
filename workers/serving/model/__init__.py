"""The decoder-only transformer that OpenLoRA runs: weights, attention over lanes, logits."""
