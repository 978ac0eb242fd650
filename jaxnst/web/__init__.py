"""The web page: Gradio over the same few library calls as the command line.

`server` makes the application, `page` lays it out; each tab has a file of its own. `shared` holds
what all visitors share, and `security` keeps out what is not a picture. `browser_page` is the other
page, which paints in the visitor's own browser.
"""

from importlib.util import find_spec

from jaxnst.errors import JaxnstError


def check_installed() -> None:
    """Raises JaxnstError unless what the page needs is there; everything else here imports it."""
    for package in ("gradio", "websockets"):
        if find_spec(package) is None:
            raise JaxnstError(
                f"the web page needs {package}, which is not installed: pip install 'jaxnst[web]'"
            )
