"""The drills on AWS, tried on one region of AWS in this process."""

from tests.aws.conftest import aws, clients, credentials

__all__ = ["aws", "clients", "credentials"]
