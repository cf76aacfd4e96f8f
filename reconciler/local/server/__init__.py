"""The one process that answers all AWS calls: moto, and what it does not model."""
