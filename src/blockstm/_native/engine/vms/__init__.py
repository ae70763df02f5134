"""The engine's side of VMs: Python callables, and tables of C functions."""
