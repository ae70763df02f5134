"""Native VMs apart from the EVM, and how one transaction of a native VM runs without the engine."""
