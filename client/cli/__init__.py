"""The command line ``reglab``."""
