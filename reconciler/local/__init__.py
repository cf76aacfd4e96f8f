"""Several AWS regions on this machine: moto's API, and what moto does not model.

`LocalCloud` (`cloud`) starts the processes: one `server` for all AWS calls and, in each region, a
`worker` that runs the real handlers. Here lies what both sides share.
"""
