"""`openledger-node factory`, one module per thing that its commands are about."""
