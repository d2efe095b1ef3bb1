"""The bridge from MQTT to Kafka: the only place that touches one message at a time.

Pure: ``gate`` (what a payload is), ``event_time`` and ``identity`` (when, and which), ``intake`` (the three together), ``framing``
(columns), ``watch`` (what is proven to be seen), ``offline``. Shell: ``mqtt``, ``kafka``, ``spool`` (what waits for Kafka on disk), ``outlet`` (which of the two), ``bridge``.
"""
