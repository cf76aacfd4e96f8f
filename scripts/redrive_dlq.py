#!/usr/bin/env python3
"""Puts back what failed: dead letters, batches set aside, losses never sent. See --help."""

from command import run

if __name__ == "__main__":
    run("redrive")
