"""The first stage: a stream record is a clean write, or a loss that is secured."""
