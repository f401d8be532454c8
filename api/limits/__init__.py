"""How much may be asked for: refusals, and the layers, threads and memory that enforce limits."""
