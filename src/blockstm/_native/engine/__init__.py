"""The engine: runs a block's ordered transactions on every core, equal to one after another."""
