"""Properties that hold for every spec, row, name and order, not only for the presets."""
