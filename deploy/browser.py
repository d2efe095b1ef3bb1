"""Chromium for the tests that look at the console as a person does."""

import shutil
import subprocess

from deploy.errors import CannotProvide, StepFailed
from deploy.native import packages
from deploy.site import Site
from deploy.steps import say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONT = "fonts-wqy-microhei"
"""A small one (1.6 MB)."""
FAMILY = "WenQuanYi Micro Hei"


def find() -> str | None:
    """Path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def draws_chinese() -> bool:
    """Whether this machine has the font that pictures of pages are kept in; another one has other widths, none at all draws boxes."""
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", FAMILY], capture_output=True, text=True).stdout.strip())


def ensure(site: Site) -> str:
    """Path of Chromium, installed as Debian's package if there is none. Raises NeedsRoot, CannotProvide.

    With it comes a font for Chinese; only root can install it, and a page is read without it as well.
    """
    log = site.log("packages")
    if find() is None:
        packages.install(["chromium", FONT, "fontconfig"], "the browser tests", log)
    elif not draws_chinese() and packages.is_root() and shutil.which("apt-get") is not None:
        try:
            packages.install([FONT, "fontconfig"], "Chinese in the browser tests' pictures", log)
        except StepFailed as error:
            # Without a network, say: only the pictures need it, and they say so themselves.
            say("packages", f"no {FONT}: {error}")
    path = find()
    if path is None:
        raise CannotProvide(
            detail="no Chromium was found after its package was installed; put one on the PATH as `chromium`"
        )
    return path
