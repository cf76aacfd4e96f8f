"""The process that is Lambda in one region: its event sources, and the handlers."""
