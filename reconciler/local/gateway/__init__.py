"""API Gateway in one region of the local cloud: the HTTP door's function behind a port."""
