"""Conflicts that AppSync finds in a versioned data source, merged by the types of the schema."""
