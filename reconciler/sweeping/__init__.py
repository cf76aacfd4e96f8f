"""A whole table, item by item: its plain items adopted, or what its replicas have compared."""
