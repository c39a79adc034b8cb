"""What an execution looked like, in the formats of geth's built-in tracers."""
