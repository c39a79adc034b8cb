"""Low-rank adapters: read and checked, kept in tiers, applied per row of a batch."""
