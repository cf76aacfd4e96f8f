"""What is to happen in a run: operations and faults, drawn from a seed or written down."""
