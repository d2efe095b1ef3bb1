"""Simulated homes, recordings sent again, and the check of what came of them. Pure cores; only ``running`` and ``mqtt`` touch the network."""
