"""Copies of the whole database, each one file."""
