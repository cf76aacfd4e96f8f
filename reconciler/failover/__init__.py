"""What is tried on a table in use: do writes arrive, and does a region that is cut off lose any?"""
