#!/usr/bin/env python3
"""Cuts a region off, writes on both sides, and counts what is lost. See --help."""

from command import run

if __name__ == "__main__":
    run("failover-drill")
