"""Storage: migrations, named queries, the writer from Kafka to TimescaleDB, the keeper, and the verbs about people and devices."""
