"""What running a block takes: workloads, and races of the engine against plain loops."""
