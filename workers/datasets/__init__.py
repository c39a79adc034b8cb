"""Which records a Datanet holds: encoding, sketches, near-duplicates, contributions and versions."""
