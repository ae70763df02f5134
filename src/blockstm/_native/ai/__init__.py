"""Integer inference for the native core: instructions, their kernels, programs."""
