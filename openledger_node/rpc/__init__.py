"""JSON-RPC for wallets, tools and services."""
