"""The multi-version memory: for every location, what each transaction of a block wrote there."""
