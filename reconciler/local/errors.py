"""What can go wrong with a cloud that runs on one machine."""


class LocalCloudError(RuntimeError):
    """The local cloud was set up wrongly, could not start, or did not come to rest in time."""
