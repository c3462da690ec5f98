"""The system's own Chromium: no browser is downloaded by pip or npm.

    python -m devtools.chromium

checks that it is installed, else installs it with apt if possible, else prints what to do. It uses the
standard library only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from devtools import processes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page

SHELL = "chromium-headless-shell"
"""The same engine without a window, which loads a page for about half the CPU time."""
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",  # with hinting, letters are closer together than on users' screens
]
MISSING = """The browser tests need Chromium. Install it (on Debian: apt-get install chromium),
or set CHROMIUM to the path of a Chromium or Chrome."""


SECONDS_TO_END = 20
"""Playwright waits for its driver without a limit; after this time the driver is killed."""


class NoChromiumError(Exception):
    """Chromium is missing. The message says what to install."""


def executable() -> str:
    """Returns `CHROMIUM`, or the first of `NAMES` on the PATH.

    Raises NoChromiumError if there is none.
    """
    if named := os.environ.get("CHROMIUM"):
        if shutil.which(named):
            return named
        raise NoChromiumError(f"CHROMIUM is {named!r}, and there is no program there. {MISSING}")
    if program := next(filter(None, map(shutil.which, NAMES)), None):
        return program
    raise NoChromiumError(MISSING)


@contextmanager
def launched() -> Iterator[Browser]:
    """Starts Chromium and Playwright's driver, and ends both."""
    from playwright.sync_api import sync_playwright

    before = set(processes.tree_below(os.getpid()))
    with sync_playwright() as playwright:
        started = set(processes.tree_below(os.getpid())) - before
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        limit = threading.Timer(SECONDS_TO_END, _kill, [started])
        try:
            yield browser
        finally:
            limit.start()
            browser.close()
    limit.cancel()


def _kill(started: set[int]) -> None:
    for process in started:
        for each in (*processes.tree_below(process), process):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


@contextmanager
def complaints_of(page: Page) -> Iterator[list[str]]:
    """Collects script errors and CSP violations of the page."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            complaints.append(message.text)

    def on_error(error: Error) -> None:
        complaints.append(str(error))

    page.on("console", on_console)
    page.on("pageerror", on_error)
    yield complaints
    page.remove_listener("console", on_console)
    page.remove_listener("pageerror", on_error)


def main() -> int:
    try:
        path = executable()
    except NoChromiumError as error:
        if os.environ.get("CHROMIUM") or not (apt := _apt()):
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write("Installing Chromium for the browser tests\n")
        sys.stdout.flush()
        subprocess.run([*apt, "update"], check=False)
        install = [*apt, "install", "--yes", "--no-install-recommends"]
        if subprocess.run([*install, SHELL], check=False).returncode:
            subprocess.run([*install, "chromium"], check=False)
        return main() if any(map(shutil.which, NAMES)) else _failed(MISSING)
    starts = subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    return 0 if starts else _failed(f"{path} does not start. {MISSING}")


def _apt() -> list[str] | None:
    """Returns the beginning of an apt command that needs no password; None if there is none."""
    apt = shutil.which("apt-get")
    command = ["env", "DEBIAN_FRONTEND=noninteractive", apt or "", "--quiet", "--quiet"]
    if not apt or os.geteuid() == 0:
        return command if apt else None
    sudo = shutil.which("sudo")
    may = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    return [sudo, "-n", *command] if sudo and may else None


def _failed(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
