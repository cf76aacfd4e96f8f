"""The conflict feed: its rows, the question to a person, and the decision that answers it."""
