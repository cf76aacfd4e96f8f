"""What calls of DynamoDB become on a table of the library's, and what their callers are shown."""
