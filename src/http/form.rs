//! `application/x-www-form-urlencoded` (URL Standard, section 5.1) as it comes with long tokens, of which
//! most have nothing to decode: those are not copied.

use std::borrow::Cow;

use url::form_urlencoded;

type Field<'f> = (Cow<'f, str>, Cow<'f, str>);

/// The fields of `form`, in wire order. What is no UTF-8 is replaced.
pub(super) fn fields(form: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let (text, rest) = match std::str::from_utf8(form) {
        Ok(text) => (text, &b""[..]),
        Err(_) => ("", form),
    };
    let fields = text.split('&');
    let fields = fields.filter_map(|field| plain(field).or_else(|| decoded(field)));
    fields.chain(form_urlencoded::parse(rest))
}

fn decoded(field: &str) -> Option<Field<'_>> {
    form_urlencoded::parse(field.as_bytes()).next()
}

/// A field that means what it says.
fn plain(field: &str) -> Option<Field<'_>> {
    // Without an early end, so that the compiler looks at many bytes at once.
    let encoded = field.bytes().fold(0, |seen, byte| seen | u8::from(matches!(byte, b'%' | b'+')));
    if encoded != 0 || field.is_empty() {
        return None;
    }
    let (name, value) = field.split_once('=').unwrap_or((field, ""));
    Some((Cow::Borrowed(name), Cow::Borrowed(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_standard() {
        for form in [
            &b"a=1&b=2"[..],
            b"a=1&&b=&=c&d&=&a=2",
            b"a=b=c%20=d&%61=+&+=%2B",
            b"a=%F0%9F%94%91&b=%&c=%zz&d=%C3",
            b"a=\xc3\xa9&b=\xff&\xff=1",
            b"",
            b"&",
            b"=",
        ] {
            let expected: Vec<_> = form_urlencoded::parse(form).collect();
            assert_eq!(fields(form).collect::<Vec<_>>(), expected, "{}", form.escape_ascii());
        }
        let mut plain = fields(b"Token=eyJ.x-_&a=%41");
        assert!(plain.next().is_some_and(|(_, token)| matches!(token, Cow::Borrowed("eyJ.x-_"))));
        assert!(plain.next().is_some_and(|(_, decoded)| decoded == "A"));
    }
}
