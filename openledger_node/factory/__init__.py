"""The Model Factory: what a training takes, may do and costs before it runs, and how its model is sold."""
