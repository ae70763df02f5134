"""The precompiled contracts."""
