"""What can go wrong while the services and stages are provided, and what to do then."""

from contracts.errors import ShouwangError


class NeedsRoot(ShouwangError):
    """{why} is missing and only root may install it. Run as root: {command}"""


class CannotProvide(ShouwangError):
    """The services cannot be provided on this machine: {detail}."""


class StepFailed(ShouwangError):
    """{what} failed (exit code {code}). The last lines of {log}: {tail}"""


class NotReady(ShouwangError):
    """{service} was not ready within {within_s} s: {detail}. Its log: {log}"""


class PortTaken(ShouwangError):
    """Port {port} of {service} is taken by another program. Stop that one, or set SHOUWANG_PORT_BASE to another base than {base}."""


class SupervisorFailed(ShouwangError):
    """The supervisor of {data} does not do what was asked ({asked}): {detail}"""


class UnknownProcess(ShouwangError):
    """There is no process called {name}. Known are: {known}"""


class BadSite(ShouwangError):
    """The data folder {data} cannot be used: {detail}"""
