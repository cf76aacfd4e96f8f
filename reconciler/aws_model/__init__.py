"""How AWS behaves, without I/O: replication, event sources and their filters."""
