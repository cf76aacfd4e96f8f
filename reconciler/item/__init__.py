"""An item and its metadata: schema, state, and the images that are written, merged and read."""
