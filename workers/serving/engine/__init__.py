"""Continuous batching: sequences in, tokens out; no HTTP and no text."""
