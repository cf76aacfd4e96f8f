"""What happened before what: hybrid logical clocks, lineages, dots and causal contexts."""
