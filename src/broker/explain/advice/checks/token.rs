//! Checks of tokens, in the order of the work.

use super::{Known, personal, plain};

pub(super) const CHECKS: &[Known] = &[
    // Its form.
    personal(
        &["oidc.jwt"],
        "Give the whole ID token: three parts of base64url with dots between them, nothing before or after. \
         If it is encrypted, opaque or of another kind, let the app send the ID token instead.",
    ),
    // Whose it is.
    plain(
        &["oidc.issuer"],
        "Write the issuer of the [[provider]] exactly as its tokens do, to the last slash, or choose the \
         provider by --provider.",
    ),
    plain(
        &["oidc.algorithm"],
        "Let the issuer sign with one of the algorithms; or, if its keys are of that kind, add it to \
         algorithms of the [[provider]].",
    ),
    plain(
        &["oidc.keys"],
        "The issuer's keys could not be had: what was seen says why. An issuer inside of your network takes \
         allow_private_addresses = true; without a way out, save its keys as a file and name it as jwks.",
    ),
    plain(
        &["oidc.key.unknown"],
        "The issuer does not publish that key: it withdrew it, the file named as jwks is old, or somebody \
         else signed this. Ask the app for a fresh token.",
    ),
    plain(
        &["oidc.signature"],
        "The token was changed after it was signed, or somebody else signed it: get it anew from the issuer.",
    ),
    plain(
        &["oidc.token-info.form"],
        "Send the access token as Login with Amazon gives it to the app, Atza| and all.",
    ),
    plain(
        &["oidc.token-info.refused"],
        "Amazon knows no such access token, or it is over: let the app get a fresh one.",
    ),
    plain(
        &["oidc.token-info"],
        "Amazon could not be asked about the token: what was seen says why. Try again.",
    ),
    // What it is.
    plain(
        &["oidc.logout-token"],
        "This is a logout token, which goes to /oidc/{name}/backchannel-logout: send an ID token.",
    ),
    plain(
        &["oidc.claim.missing"],
        "A token needs iss, sub, aud, iat and exp: let the issuer put in what is missing.",
    ),
    personal(
        &["oidc.claim.form", "oidc.claim.timestamp"],
        "Let the issuer write that claim as OpenID Connect has it: texts that are not empty, times as whole \
         seconds since 1970.",
    ),
    plain(
        &["oidc.kind"],
        "Let the app send the ID token and not the access token. Where a platform has no ID tokens, \
         accept_access_tokens = true takes them.",
    ),
    plain(
        &["oidc.cnf"],
        "Let the app ask the issuer for a token without cnf: one that is bound to a key can't be proved here.",
    ),
    plain(&["oidc.sub.length"], "Let the issuer use shorter subjects."),
    // For whom, and when.
    plain(
        &["oidc.audience"],
        "Let the app ask the issuer for a token for one of the clients that are expected; or, if what was \
         seen is an app of yours, add it to client_ids. Where there is an azp, it is that which counts.",
    ),
    plain(
        &["oidc.audience.several"],
        "Let the issuer name one audience, or the client that the token was made for as azp.",
    ),
    plain(
        &["oidc.expired"],
        "Its time is over: get a fresh one. For an old capture, ask with --at the time when it arrived; if it \
         was fresh, synchronize the clocks (NTP).",
    ),
    plain(&["oidc.iat", "oidc.nbf"], "Synchronize both clocks (NTP); clock_skew bears up to 5 minutes."),
    // Logins alone have one.
    personal(&["oidc.nonce"], "It is of another login: sign in again, in one tab."),
    plain(
        &["oidc.answer.issuer"],
        "Another provider answered than the one that was asked: sign in again, and find out who sent the \
         answer.",
    ),
    personal(
        &["oidc.userinfo.sub", "oidc.userinfo.type", "oidc.further.size"],
        "Let the issuer's userinfo endpoint answer with JSON about the person that the token is of.",
    ),
    // What it says.
    plain(
        &["oidc.groups.overage", "oidc.groups.graph"],
        "The person is in too many groups for a token: let the issuer send only those of the application, or \
         set group_overage of the [[provider]].",
    ),
    personal(
        &["oidc.claim.roles", "oidc.claim.tags"],
        "Let the issuer write AWS's claims as AWS has them: roles as a list of ARNs, tags as an object of \
         principal_tags and transitive_tag_keys.",
    ),
    plain(&["oidc.session-ended"], "Sign in at the provider again: that login was ended."),
];
