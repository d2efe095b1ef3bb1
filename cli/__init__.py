"""The front door: ``./shouwang VERB``, one verb a file."""
