"""One block from the pool."""
