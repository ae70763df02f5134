"""The unsigned integer of 256 bits."""
