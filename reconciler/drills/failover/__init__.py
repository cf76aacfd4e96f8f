"""The failover drill: regions cut off or gone, on this machine or on AWS."""
