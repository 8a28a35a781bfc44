//! `application/x-www-form-urlencoded` (URL Standard, section 5.1) as it comes with long tokens, of which
//! most have nothing to decode: those are not copied.

use std::borrow::Cow;

use url::form_urlencoded;

type Field<'f> = (Cow<'f, str>, Cow<'f, str>);

/// The fields of `form`, in wire order. What is no UTF-8 is replaced.
pub(super) fn fields(form: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let fields = form.split(|byte| *byte == b'&');
    fields.filter_map(|field| plain(field).or_else(|| form_urlencoded::parse(field).next()))
}

/// A field that means what it says.
fn plain(field: &[u8]) -> Option<Field<'_>> {
    // Without an early end, so that the compiler looks at many bytes at once.
    let is_plain = field.iter().fold(true, |plain, byte| plain & !matches!(byte, b'%' | b'+'));
    let text = std::str::from_utf8(field).ok().filter(|text| is_plain && !text.is_empty())?;
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
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
