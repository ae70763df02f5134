"""The engine against a plain sequential loop, on small transactions of known results."""
