"""The course of a transaction."""
