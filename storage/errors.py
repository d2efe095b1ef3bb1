"""What can go wrong in storage, and what to do then."""

from contracts.errors import ShouwangError


class BadQueryFile(ShouwangError):
    """{path}: {detail}. A query begins with `-- name: its_name`, then a line `-- what it is for`, then one statement."""


class UnknownQuery(ShouwangError):
    """No query is called {name!r}. Known ones stand in storage/queries/*.sql; similar: {similar}."""


class BadMigration(ShouwangError):
    """Migration {name} cannot be applied: {detail}."""


class MigrationChanged(ShouwangError):
    """Migration {name} was applied to this database in another form. Put the file back as it was and write a new migration instead."""


class NotMigrated(ShouwangError):
    """The database lacks migrations {missing}. Start the system once (./shouwang run), or run `python -m storage migrate`."""


class BadRows(ShouwangError):
    """A frame holds rows that cannot be stored: {detail}. It goes to dead letters; the other frames are stored."""


class LogGone(ShouwangError):
    """{topic}/{partition}: records {from_offset} to {to_offset} were deleted by Kafka's retention before they were stored. Nothing brings them back."""


class BadAccount(ShouwangError):
    """The MQTT account {account} cannot be made: {detail}."""


class BadRecord(ShouwangError):
    """{record} cannot be registered: {detail}."""


class UnknownHome(ShouwangError):
    """No home {home_id} is registered. `./shouwang home list` shows those that are."""


class UnknownUser(ShouwangError):
    """No user {user_name} is registered."""


class UserExists(ShouwangError):
    """A user {user_name} is registered already. Choose another name, or change that one's password."""


class BadTable(ShouwangError):
    """{file} cannot be imported: {detail}. Nothing was changed."""


class NoLog(ShouwangError):
    """Kafka has no topic {topic}. Start the system once (./shouwang run), or make the topics: python -m contracts.admin."""


class NoDatabase(ShouwangError):
    """The database does not answer ({detail}). Is the system up? ./shouwang services up"""


class UnknownAccount(ShouwangError):
    """No valid MQTT account is called {account}. `./shouwang device list` shows those of devices."""


class NoBackup(ShouwangError):
    """{file} is no backup that can be read: {detail}. `./shouwang backup` writes one."""


class BackupTooNew(ShouwangError):
    """{file} was written by a later version of Shouwang ({detail} is not known here). Restore it with that version."""


class DatabaseInUse(ShouwangError):
    """The database is in use by {who}, so it was left as it is. Stop the stages (Ctrl-C of `./shouwang run` or `demo`) and try again; services may stay up."""
