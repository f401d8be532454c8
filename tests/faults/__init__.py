"""A fault test that anyone can run: ``make faults``."""
