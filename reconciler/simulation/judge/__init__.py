"""What a run must have come to, known from its history alone, and what it broke."""
