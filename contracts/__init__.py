"""What two processes agree on: names, kinds, frames, topics, detections, alert events, metrics. Pure but for ``admin``."""
