"""Specs, datasets, training engine, probes, figures and storage of reglab."""
