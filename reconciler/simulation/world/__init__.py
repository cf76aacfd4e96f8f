"""Where a plan happens: regions in virtual time, with the real functions, under its faults."""
