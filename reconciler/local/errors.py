"""What can go wrong with the local cloud itself."""

from reconciler.errors import ReconcilerError


class LocalCloudError(ReconcilerError):
    """The local cloud cannot start, or stopped working; says which process or setting."""
