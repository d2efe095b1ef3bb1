"""Questions to the database, in plain words, for tests."""

from typing import Any

import psycopg


class Telling:
    """Asks what is stored."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Rows of a question; those with one column as that column."""
        found = self._connection.execute(sql.encode(), values or None).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def numbers(self, kind: str = "vitals") -> list[int]:
        """``seq`` of the rows stored, with repeats."""
        return self.rows(f"SELECT seq FROM reading_{kind} ORDER BY seq, event_at")

    def gaps(self) -> list[tuple[str, int, int]]:
        """(device, from, to) of each gap."""
        return self.rows("SELECT device_id, from_seq, to_seq FROM gaps ORDER BY home_id, device_id, boot, from_seq")
