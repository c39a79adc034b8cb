"""The constitution: every number, address and format that two parts of the node must agree on."""
