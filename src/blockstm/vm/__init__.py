"""What runs one transaction."""
