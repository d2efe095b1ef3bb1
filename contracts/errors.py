"""Errors whose docstring is their message, so that every error has to be explained."""

from string import Formatter


class ShouwangError(Exception):
    """Something in Shouwang went wrong: {detail}"""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        template = (type(self).__doc__ or "").strip()
        known = {name: facts.get(name, "?") for _, name, _, _ in Formatter().parse(template) if name}
        super().__init__(template.format(**known))


class BadSetting(ShouwangError):
    """Setting {name} cannot be used: {detail}. Correct it in the environment and start again."""


class BadName(ShouwangError):
    """{what} {value!r} breaks the rule {rule}. Use lower-case letters, digits and hyphens, at most 40, not starting with a hyphen."""


class FrameError(ShouwangError):
    """This Kafka record is no readable frame: {detail}. It goes to dead letters; nothing of it was used."""
