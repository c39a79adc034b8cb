"""Language models: the project's own small base, loading any base, and records as token sequences."""
