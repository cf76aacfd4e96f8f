"""DynamoDB's values as plain data: the wire codec, and how large an item is."""
