"""The write client: edits of items as conditional writes, and answers that were lost."""
