"""Chromium for the tests that look at the console as a person does."""

import shutil

from deploy.errors import CannotProvide
from deploy.native import packages
from deploy.site import Site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure(site: Site) -> str:
    """Path of Chromium, installed as Debian's package if there is none. Raises NeedsRoot, CannotProvide."""
    if find() is None:
        packages.ensure({"chromium": "chromium"}, "the browser tests", site.log("packages"))
    path = find()
    if path is None:
        raise CannotProvide(
            detail="no Chromium was found after its package was installed; put one on the PATH as `chromium`"
        )
    return path
