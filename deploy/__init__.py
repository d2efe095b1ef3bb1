"""How Shouwang gets its services and keeps its stages running on one machine."""
