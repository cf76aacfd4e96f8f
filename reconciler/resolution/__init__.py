"""The second stage: a loss is merged back by one conditional write, and its row closed."""
