"""What can go wrong with the local cloud itself."""

from reconciler.errors import ReconcilerError


class LocalCloudError(ReconcilerError):
    """The local cloud cannot start, or stopped working; says which process or setting."""


class ServerSilent(LocalCloudError):
    """The server did not answer a control call in time; it may have carried it out all the same."""

    disposition = "retry"
