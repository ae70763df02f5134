"""What a worker does: run ahead of the frontier, validate, commit."""
