"""Hashes and signature recovery for the native core."""
