"""A person with a browser: reads the pages of the live server, fills in forms, presses buttons.

Nothing here knows the server's code or its database; everything comes from the pages.
"""

import re
import ssl
from dataclasses import dataclass
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from tests.live.html_forms import Form, parse_forms
from tests.live.wire import Prepared, prepare_form

MOST_REDIRECTS = 10
# A page that opens another program by itself.
OPENS_PROGRAM = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')
# Most is on loopback without TLS, and reading the certificate authorities takes time.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser ended up; ``html`` is empty if that is another program's address."""

    url: str
    status: int
    html: str

    def find_form(self, *names: str) -> Form:
        """The one form that has controls of these names."""
        found = [form for form in parse_forms(self.html) if form.has(*names)]
        assert len(found) == 1, f"{len(found)} forms with {names} at {self.url}: {self.html}"
        return found[0]


class Person:
    """One person, signed in or not, in one browser with its cookies."""

    def __init__(
        self, site: str, email: str, password: str, trust: ssl.SSLContext = NO_AUTHORITIES
    ) -> None:
        self.site = site
        self.email = email
        self.password = password
        self.browser = httpx.Client(timeout=30, trust_env=False, verify=trust)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.browser.close()

    @property
    def cookies(self) -> str:
        """The Cookie header that this browser sends."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.browser.cookies.jar)

    def open(self, url: str) -> Page:
        """Follow a link, signing in if that is asked for."""
        page = self._follow(self.browser.get(urljoin(self.site, url)))
        return self.sign_in(page) if urlsplit(page.url).path == "/accounts/login" else page

    def sign_in(self, page: Page) -> Page:
        """Fill in the sign-in page; the next page is the one that was wanted before it."""
        form = page.find_form("login", "password")
        form.fill("login", self.email)
        form.fill("password", self.password)
        answer = self.submit(page, form, "Sign in")
        assert urlsplit(answer.url).path != "/accounts/login", "the sign-in was refused"
        return answer

    def submit(self, page: Page, form: Form, button: str) -> Page:
        """Press a button of a form; the browser names the page that it is on."""
        assert form.method == "post"
        body: dict[str, list[str]] = {}
        for name, value in form.build_data(button):
            body.setdefault(name, []).append(value)
        headers = {"Origin": self.site, "Referer": page.url}
        target = urljoin(page.url, form.action)
        return self._follow(self.browser.post(target, data=body, headers=headers))

    def prepare(self, page: Page, form: Form, button: str) -> Prepared:
        """What pressing the button sends, for races: from many connections at once."""
        headers = {"Origin": self.site, "Referer": page.url, "Cookie": self.cookies}
        target = urlsplit(urljoin(page.url, form.action))
        path = f"{target.path}?{target.query}" if target.query else target.path
        return prepare_form(path, form.build_data(button), headers)

    def _follow(self, response: httpx.Response) -> Page:
        """Follow redirects inside the site; one that leads away is where the person ends up."""
        for _ in range(MOST_REDIRECTS):
            if opened := OPENS_PROGRAM.search(response.text):
                return Page(unescape(opened[1]), response.status_code, "")
            if not response.is_redirect:
                return Page(str(response.url), response.status_code, response.text)
            target = urljoin(str(response.url), response.headers["Location"])
            if not target.startswith(f"{self.site}/"):
                return Page(target, response.status_code, "")
            response = self.browser.get(target)
        raise AssertionError("The pages redirect in a circle.")

    # --- what people do here --------------------------------------------------------------------

    def fill_consent(
        self, url: str, organization: str, scopes: tuple[str, ...]
    ) -> tuple[Page, Form]:
        """Open a consent page, pick the organization by its name, tick the boxes."""
        page = self.open(url)
        form = page.find_form("digest", "organization", "decision")
        choices = [each for each in form.controls if each.name == "organization"]
        chosen = form.find("organization", organization) if len(choices) > 1 else choices[0]
        for control in choices:
            control.checked = control is chosen
        form.tick("scopes", scopes)
        return page, form

    def allow(self, url: str, organization: str, scopes: tuple[str, ...] = ("read",)) -> str:
        """Press Allow; the address of the client that the browser is sent to."""
        page, form = self.fill_consent(url, organization, scopes)
        return self.submit(page, form, "Allow").url

    def cancel(self, url: str) -> str:
        """Press Cancel; the address of the client that the browser is sent to."""
        page = self.open(url)
        form = page.find_form("digest", "organization", "decision")
        return self.submit(page, form, "Cancel").url

    def disconnect(self, client_name: str) -> Page:
        """Find the application on the settings page and disconnect it."""
        page, form = self.open_disconnect(client_name)
        return self.submit(page, form, "Disconnect")

    def pause(self, client_name: str) -> Page:
        """Find the application on the settings page and press its Pause."""
        return self.press(client_name, "Pause")

    def resume(self, client_name: str) -> Page:
        """Find the application on the settings page and press its Resume."""
        return self.press(client_name, "Resume")

    def press(self, client_name: str, button: str) -> Page:
        """Press a button of the one application of this name."""
        page = self.open("/settings/ai-access")
        pattern = rf'action="([^"]+/{button.lower()})">(?:(?!</form>).)*{re.escape(client_name)} in'
        (action,) = re.findall(pattern, page.html, re.DOTALL)
        form = next(form for form in parse_forms(page.html) if form.action == action)
        return self.submit(page, form, button)

    def open_disconnect(self, client_name: str) -> tuple[Page, Form]:
        """The page that asks whether to disconnect the application."""
        listed = self.open("/settings/ai-access")
        pattern = rf'href="([^"]+)" aria-label="Disconnect {re.escape(client_name)} from'
        links = re.findall(pattern, listed.html)
        assert len(links) == 1, f"{len(links)} applications called {client_name!r} are listed"
        page = self.open(links[0])
        return page, next(form for form in parse_forms(page.html) if form.has_button("Disconnect"))
