//! The demo provider's HTML: small, readable in the dark, whole without JavaScript.

use askama::Template;

use crate::cli::demo::people::Person;

/// The one style sheet.
pub(crate) const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1a1c23; --paper: #fbfaf7; --line: #cfcabd; --act: #7a3b00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ebe8e0; --paper: #17181c; --line: #45464d; --act: #ffb877 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 42rem; padding: 2rem 1rem; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.2 } h2 { font-size: 1.1rem; margin: 0 }
ul { list-style: none; padding: 0 } li { border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem; margin: 0 0 1rem } li p { margin: .25rem 0 .75rem }
button { font: inherit; font-weight: 600; padding: .5rem 1rem; border-radius: .4rem; cursor: pointer;
  border: 2px solid var(--act); background: var(--paper); color: var(--act) }
a { color: var(--act) } nav a { margin-right: 1rem }
button:focus-visible, a:focus-visible { outline: 3px solid var(--act); outline-offset: 2px }
.note { border-left: .3rem solid var(--line); padding-left: .75rem }
";

/// Presses the only button of a page that has nothing to ask.
pub(crate) const SUBMIT: &str = "document.forms[0].submit();\n";

/// The front page.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p class="note">This identity provider belongs to <code>rolegate demo</code>. Nobody here has a
password, so it listens on this machine only.</p>
<p>To start at the broker, <a href="{{ portal }}">open its sign-in page</a>. To start here, as from a company's
list of applications, choose who you are.</p>
<ul>{% for person in people %}
<li><h2>{{ person.name }}</h2><p>{{ person.about }}</p>
<form method="post" action="/saml/start"><button name="person" value="{{ person.id }}">Sign in to Rolegate as
{{ person.name }}</button></form>
<form method="post" action="/saml/end"><button name="person" value="{{ person.id }}">Sign {{ person.name }} out of
account prod</button></form>
<form method="post" action="/oidc/end"><button name="person" value="{{ person.id }}">Sign {{ person.name }} out of
account sandbox</button></form>
<nav aria-label="Raw documents about {{ person.name }}"><p><a href="/saml-response/{{ person.id }}">SAML response</a>
{% for client in clients %}<a href="/token/{{ person.id }}?client={{ client }}">ID token for {{ client }}</a>
{% endfor %}</p></nav></li>{% endfor %}
</ul>"#
)]
pub(crate) struct Landing<'a> {
    /// The broker's sign-in page.
    pub(crate) portal: &'a str,
    /// Everybody.
    pub(crate) people: &'a [Person],
    /// The registered applications.
    pub(crate) clients: &'a [&'a str],
}

/// Asks who one is. The form goes to `action`, which carries the question along.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>Choose who you are, to go on to <strong>{{ application }}</strong>.</p>
<form method="post" action="{{ action }}">{% for (name, value) in hidden %}
<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}<ul>{% for person in people %}
<li><h2>{{ person.name }}</h2><p>{{ person.about }}</p>
<button name="person" value="{{ person.id }}">Continue as {{ person.name }}</button></li>{% endfor %}
</ul></form>"#
)]
pub(crate) struct Chooser<'a> {
    /// Where the choice goes.
    pub(crate) action: &'a str,
    /// What else of it the form itself must carry.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// Who asked.
    pub(crate) application: &'a str,
    /// Everybody.
    pub(crate) people: &'a [Person],
}

/// Carries a SAML response to the broker (HTTP-POST binding).
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>Signing you in to Rolegate.</p>
<form method="post" action="{{ acs }}"><input type="hidden" name="SAMLResponse" value="{{ response }}">
{% if let Some(state) = relay_state %}<input type="hidden" name="RelayState" value="{{ state }}">
{% endif %}<button>Continue</button></form>
<script src="/submit.js" defer></script>"#
)]
pub(crate) struct Carry<'a> {
    /// The broker's assertion consumer service.
    pub(crate) acs: &'a str,
    /// Base64 of the response.
    pub(crate) response: &'a str,
    /// What the broker wants back.
    pub(crate) relay_state: Option<&'a str>,
}

/// The broker ended what it had of a person.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<p>Rolegate ended everything that it had of this person in account {{ account }}: console sessions,
and credentials that came of a sign-in.</p><p><a href="/">Start again</a></p>"#
)]
pub(crate) struct SignedOut {
    /// Where.
    pub(crate) account: &'static str,
}

/// Something went wrong, and the browser stays here.
#[derive(Template)]
#[template(ext = "html", source = r#"<p role="alert">{{ reason }}</p><p><a href="/">Start again</a></p>"#)]
pub(crate) struct Problem<'a> {
    /// Why.
    pub(crate) reason: &'a str,
}

/// `content` as a whole page.
pub(crate) fn page(title: &'static str, content: &impl Template) -> Result<String, askama::Error> {
    let content = content.render()?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"stylesheet\" href=\"/style.css\"></head>\n\
         <body><main><h1>{title}</h1>\n{content}\n</main></body></html>\n"
    ))
}
