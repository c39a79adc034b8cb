"""`python -m openledger_node` is the `openledger-node` command."""

from openledger_node.cli.main import main

main()
