"""What is measured of networks and their predictions: pure functions of arrays.

Probes decide what a run measures and when; figures, claims, comparisons and endpoints measure
stored results. All of them call this room, so that each number has one formula.
"""
