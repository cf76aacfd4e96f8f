"""A run in words and as a page, for the person who reads why it failed."""
