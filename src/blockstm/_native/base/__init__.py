"""What everything native is made of: memory, tables, bytes, numbers, locks."""
