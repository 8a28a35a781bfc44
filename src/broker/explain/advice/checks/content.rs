//! Checks of what a document says: for whom, when, about whom; and of messages about logging out.

use super::{Known, personal, plain};

pub(super) const CHECKS: &[Known] = &[
    // For whom.
    plain(
        &["saml.issuer", "saml.issuer.missing"],
        "The assertion is by another provider than its metadata here: compare the entity id there with the \
         metadata's entityID, or choose the provider by --provider.",
    ),
    plain(
        &["saml.response-issuer"],
        "Let the provider write one issuer into response and assertion; or, where it can't, \
         accept = [\"any-response-issuer\"].",
    ),
    plain(
        &["saml.audience"],
        "At the provider, set audience (SP entity id) to what is expected; or, if what was seen means us, \
         add it to audiences of the [[provider]].",
    ),
    plain(
        &["saml.audience.missing"],
        "At the provider, set the audience (SP entity id) to what is expected.",
    ),
    plain(
        &["saml.destination", "saml.recipient"],
        "At the provider, set the assertion consumer URL (ACS, reply URL, recipient) to what is expected. \
         If the host is the one that people use, compare it with public_url.",
    ),
    plain(
        &["saml.recipient.missing"],
        "Let the provider write a Recipient, its assertion consumer URL, into SubjectConfirmationData.",
    ),
    personal(
        &["saml.in-response-to"],
        "It answers another login than this: sign in again in one tab. If it answers none, the provider \
         started it, which needs idp_initiated = true.",
    ),
    // When.
    plain(
        &["saml.not-yet-issued", "saml.not-yet-valid", "saml.confirmation.not-yet-valid"],
        "Synchronize both clocks (NTP); clock_skew bears up to 5 minutes. For an old capture, ask with \
         --at the time when it arrived.",
    ),
    plain(
        &["saml.expired", "saml.confirmation.expired"],
        "Its time is over. For an old capture, ask with --at the time when it arrived; if it was fresh, \
         synchronize both clocks (NTP), or let the provider grant more than seconds.",
    ),
    plain(
        &["saml.too-old"],
        "It was used long after it was issued. For an old capture, ask with --at the time when it arrived; \
         if people are slow, raise max_assertion_age, 1h at most.",
    ),
    plain(
        &["saml.session-expired"],
        "The person's session at the provider is over (SessionNotOnOrAfter): sign in there again. For an \
         old capture, ask with --at the time when it arrived.",
    ),
    plain(
        &["saml.authn-instant.old"],
        "force_authn asks the provider to have people sign in anew, and it answered by an earlier sign-in: \
         let it honour ForceAuthn, or do without.",
    ),
    personal(
        &[
            "saml.issue-instant",
            "saml.authn-instant",
            "saml.session-not-on-or-after",
            "saml.conditions.not-before",
            "saml.conditions.not-on-or-after",
            "saml.confirmation.not-before",
            "saml.confirmation.not-on-or-after",
        ],
        "Let the provider write this time in UTC with its zone, such as 2030-01-01T00:00:00Z.",
    ),
    // What must be there.
    plain(
        &["saml.conditions.missing", "saml.authn-statement.missing", "saml.subject.missing"],
        "Let the provider send it: an assertion for signing in has a Subject, Conditions and an \
         AuthnStatement (SAML Profiles 4.1.4.2).",
    ),
    plain(
        &["saml.condition"],
        "A condition that is not understood must be taken for unmet (SAML Core 2.5.1): let the provider \
         leave it out.",
    ),
    plain(
        &["saml.confirmation.count", "saml.confirmation.method", "saml.confirmation.data"],
        "Let the provider send one SubjectConfirmation, by bearer, with SubjectConfirmationData and \
         nothing else.",
    ),
    plain(
        &["saml.authn-context"],
        "The person did not sign in as strongly as authn_contexts asks: require it at the provider, or \
         correct the list.",
    ),
    plain(
        &["saml.subject.child"],
        "Let the provider send a Subject of a NameID and a SubjectConfirmation, and nothing else.",
    ),
    plain(
        &["saml.name-id", "saml.name-id.format", "saml.name-id.length"],
        "Let the provider send one NameID with text and a Format, at best persistent.",
    ),
    plain(
        &[
            "saml.attribute",
            "saml.attribute.name",
            "saml.attribute.value",
            "saml.attribute.count",
            "saml.attribute.tags",
        ],
        "Let the provider send plain attributes: each with a Name and values of text, and not more of them \
         than people need here.",
    ),
    personal(
        &["saml.attribute.role"],
        "Each value of the Role attribute is a role ARN and a saml-provider ARN, joined by a comma: mend \
         that mapping at the provider.",
    ),
    personal(
        &["saml.attribute.session-duration"],
        "SessionDuration is a whole number of seconds from 900 to 43200: mend it at the provider.",
    ),
    plain(
        &["saml.attribute.single-value"],
        "Map a single value to this attribute at the provider: AWS defines it as one.",
    ),
    plain(
        &["saml.session-index.count", "saml.session-index.length"],
        "Let the provider send one short SessionIndex for a session: logging out is by that name.",
    ),
    plain(
        &["saml.session-ended"],
        "The person signed out, or was signed out, after this was issued: sign in anew.",
    ),
    // Logging out.
    personal(
        &[
            "saml.query.encoding",
            "saml.query.message",
            "saml.query.name",
            "saml.query.repeated",
            "saml.query.size",
            "saml.logout.deflate",
            "saml.logout.form",
            "saml.logout.relay-state",
            "saml.logout.signature-place",
            "saml.logout.size",
        ],
        "Let the provider send logout messages as SAML Bindings 3.4.4 and 3.5.4 have them: each parameter \
         once, and the signature over the query as it was sent or in the message that is posted.",
    ),
    personal(
        &[
            "saml.logout.encrypted-id",
            "saml.logout.id",
            "saml.logout.name-id",
            "saml.logout.root",
            "saml.logout.session-index",
            "saml.logout.version",
        ],
        "Let the provider send a LogoutRequest or LogoutResponse of SAML 2.0, with the NameID and \
         SessionIndex of its assertion in clear.",
    ),
    personal(
        &[
            "saml.logout.destination",
            "saml.logout.expired",
            "saml.logout.in-response-to",
            "saml.logout.issue-instant",
            "saml.logout.issuer",
            "saml.logout.not-on-or-after",
            "saml.logout.not-yet-issued",
            "saml.logout.too-old",
        ],
        "The message is by another provider, for another address, or not of now: compare it with our \
         metadata, and synchronize both clocks (NTP).",
    ),
    personal(&["saml.logout.status"], "The provider could not end the session: its own log knows why."),
    plain(
        &["saml.logout.not-offered"],
        "Single logout needs a key of ours and a SingleLogoutService in the provider's metadata.",
    ),
    // Around it.
    plain(&["provider.protocol"], "Choose a provider of the document's protocol by --provider."),
    plain(
        &["provider.unknown"],
        "No [[provider]] has this issuer, or metadata with this entity id: add one, or compare it with those \
         that are configured, to the last slash.",
    ),
];
