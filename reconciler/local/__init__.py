"""Several AWS regions on one machine: moto's API, and the parts of AWS that moto does not model.

`LocalCloud` (reconciler.local.cloud) starts it. What is ours: global-table replication
(`replication`), event-source mappings (`event_source`, `queue_source`, `schedule`, `patterns`),
metrics from the functions' logs (`metric_delivery`, `metric_queries`), and the processes that join
them to the real handlers (`server`, `worker`).
"""
