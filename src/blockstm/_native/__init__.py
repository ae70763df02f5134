"""The native core. Private: what it offers is reached through the layers above it."""
