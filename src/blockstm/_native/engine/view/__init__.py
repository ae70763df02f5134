"""What a running transaction sees: its reads with their conditions, its writes."""
