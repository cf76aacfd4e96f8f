#!/usr/bin/env python3
"""Writes in each region and sees it in the others, with its lag. See --help."""

from command import run

if __name__ == "__main__":
    run("verify-replication")
