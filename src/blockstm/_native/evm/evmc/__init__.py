"""Other EVMs in shared libraries, by EVMC."""
