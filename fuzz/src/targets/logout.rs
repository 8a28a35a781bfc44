//! Logout messages, by POST and by Redirect.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use rolegate::identity::saml::PresentedLogout;

use super::shown;
use crate::logout::fixture::{ASKED, PROVIDER, REQUEST, RESPONSE, form, redirect, signed};
use crate::mutate;
use crate::world::now;

/// What the honest provider sends by POST, before it is encoded.
static MESSAGES: LazyLock<[String; 2]> = LazyLock::new(|| [signed(REQUEST), signed(RESPONSE)]);
/// What it sends by Redirect.
static QUERIES: LazyLock<[String; 2]> = LazyLock::new(|| [redirect(REQUEST), redirect(RESPONSE)]);
/// Everything that these say.
static MEANINGS: LazyLock<[String; 2]> = LazyLock::new(|| {
    MESSAGES.each_ref().map(|xml| verified(PresentedLogout::Post(form(xml).as_bytes())).expect("honest"))
});

/// An honest logout message, mutated, or any bytes: no panic, and whenever it is accepted, it says
/// what an honest one says.
pub fn logout(bytes: &[u8]) {
    let Some((way, rest)) = bytes.split_first() else { return };
    let mut input = Unstructured::new(rest);
    let seen = match way % 4 {
        0 => verified(PresentedLogout::Post(rest)),
        1 => std::str::from_utf8(rest).ok().and_then(|query| verified(PresentedLogout::Redirect(query))),
        2 => {
            let Ok(xml) = mutate::document(&MESSAGES.each_ref().map(String::as_str), &mut input) else {
                return;
            };
            let Ok(xml) = String::from_utf8(xml) else { return };
            verified(PresentedLogout::Post(form(&xml).as_bytes()))
        }
        _ => {
            let Ok(query) = query(&mut input) else { return };
            verified(PresentedLogout::Redirect(&query))
        }
    };
    if let Some(seen) = seen {
        assert!(MEANINGS.contains(&seen), "nobody signed this: {seen}\n{}", shown(bytes));
    }
}

/// Parameters of honest queries, some of them, in some order, with some bytes changed.
fn query(input: &mut Unstructured<'_>) -> Result<String> {
    let honest = input.choose(&*QUERIES)?;
    let mut parameters: Vec<&str> = honest.split('&').collect();
    let others: Vec<&str> = QUERIES.iter().flat_map(|query| query.split('&')).collect();
    for _ in 0..input.int_in_range(0..=3)? {
        let at = input.choose_index(parameters.len().max(1))?.min(parameters.len());
        match input.int_in_range(0..=3)? {
            0 if at < parameters.len() => drop(parameters.remove(at)),
            1 if at < parameters.len() => parameters[at] = input.choose(&others)?,
            2 if at < parameters.len() => parameters.swap(0, at),
            _ => parameters.insert(at, input.choose(&others)?),
        }
    }
    let query = parameters.join("&");
    let mutated = mutate::document(&[&query], input)?;
    Ok(String::from_utf8_lossy(&mutated).into_owned())
}

/// Everything that is believed of a message, if it is accepted.
fn verified(presented: PresentedLogout<'_>) -> Option<String> {
    let message = PROVIDER.verify_logout(presented, Some(ASKED), now());
    message.ok().map(|message| format!("{message:?}"))
}
