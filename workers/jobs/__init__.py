"""Which work a worker does: each job kind is a plain function over an artefact store."""
