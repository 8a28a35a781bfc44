"""A person with a browser, as far as forms need one: cookies, redirects, and what HTML forms send."""

import base64
import urllib.parse

import requests
from lxml import etree, html
from requests.cookies import RequestsCookieJar

from broker import PATIENCE


class Page:
    """What the browser shows."""

    def __init__(self, visitor, answer):
        self.visitor, self.answer = visitor, answer
        self.url, self.status, self.text = answer.url, answer.status_code, answer.text

    @property
    def forms(self):
        return html.fromstring(self.text, base_url=self.url).forms if self.text.strip() else []

    @property
    def form(self):
        assert self.forms, f"{self.status} {self.url}: no form in {self.text}"
        return self.forms[-1]

    def asks_for(self, name):
        """Whether there is such an input."""
        return any(name in form.inputs for form in self.forms)

    @property
    def fields(self):
        """What the form would send as it stands."""
        return dict(self.form.form_values())

    def submit(self, **filled):
        """The page behind the form; the parameters are what is typed in, or left out by `None`."""
        form = self.form
        fields = {name: value for name, value in (self.fields | filled).items() if value is not None}
        target = urllib.parse.urljoin(self.url, form.action or "")
        return self.visitor.ask(form.method, target, **{"data" if form.method == "POST" else "params": fields})


class Cookies(RequestsCookieJar):
    """To a browser loopback is as good as HTTPS: it gets the cookies that are marked secure."""

    def set_cookie(self, cookie, *args, **kwargs):
        cookie.secure = False
        return super().set_cookie(cookie, *args, **kwargs)


class Visitor:
    def __init__(self):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies = Cookies()

    def open(self, url):
        return self.ask("GET", url)

    def ask(self, method, url, **options):
        return Page(self, self.session.request(method, url, timeout=PATIENCE, **options))


def document(page):
    """The SAML response that a page is about to post."""
    return etree.fromstring(base64.b64decode(page.fields["SAMLResponse"]))
