//! STS answers as XML: two blanks a level, as AWS prints them (facts 1.1, 1.2).

use std::borrow::Cow;

use crate::http::error::StsError;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// The namespace of the error that names no operation.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// Bytes that an answer with credentials seldom goes beyond.
const USUAL_LENGTH: usize = 2048;

/// An element with text or with elements.
pub(super) struct Element<'a> {
    name: &'static str,
    content: Content<'a>,
}

enum Content<'a> {
    Text(Cow<'a, str>),
    Elements(Vec<Element<'a>>),
}

impl<'a> Element<'a> {
    pub(super) fn text(name: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        Self { name, content: Content::Text(text.into()) }
    }

    pub(super) const fn group(name: &'static str, elements: Vec<Self>) -> Self {
        Self { name, content: Content::Elements(elements) }
    }

    fn write(&self, depth: usize, out: &mut String) {
        let indent = |out: &mut String| (0..depth).for_each(|_| out.push_str("  "));
        let put = |parts: &[&str], out: &mut String| parts.iter().for_each(|part| out.push_str(part));
        indent(out);
        match &self.content {
            Content::Text(text) => put(&["<", self.name, ">", &escaped(text), "</", self.name, ">\n"], out),
            Content::Elements(elements) => {
                put(&["<", self.name, ">\n"], out);
                elements.iter().for_each(|element| element.write(depth + 1, out));
                indent(out);
                put(&["</", self.name, ">\n"], out);
            }
        }
    }
}

/// `<{action}Response>` with its result, and without its end. The action is one that was matched, so it
/// needs no escaping.
pub(super) fn result(action: &str, result: &[Element<'_>]) -> String {
    let mut out = String::with_capacity(USUAL_LENGTH);
    for part in ["<", action, "Response xmlns=\"", NAMESPACE, "\">\n  <", action, "Result>\n"] {
        out.push_str(part);
    }
    result.iter().for_each(|element| element.write(2, &mut out));
    for part in ["  </", action, "Result>\n"] {
        out.push_str(part);
    }
    out
}

/// The end of what [`result`] began.
pub(super) fn response(action: &str, mut result: String, request_id: &str) -> String {
    let id = vec![Element::text("RequestId", request_id)];
    Element::group("ResponseMetadata", id).write(1, &mut result);
    for part in ["</", action, "Response>\n"] {
        result.push_str(part);
    }
    result
}

/// `<ErrorResponse>`.
pub(super) fn error(error: &StsError, request_id: &str) -> String {
    let namespace = if error.is_unknown_action() { FAULT_NAMESPACE } else { NAMESPACE };
    let kind = if error.status().is_server_error() { "Receiver" } else { "Sender" };
    let mut parts = vec![Element::text("Type", kind), Element::text("Code", error.code())];
    parts.extend(error.message().map(|message| Element::text("Message", message)));
    let mut out = format!("<ErrorResponse xmlns=\"{namespace}\">\n");
    Element::group("Error", parts).write(1, &mut out);
    Element::text("RequestId", request_id).write(1, &mut out);
    out.push_str("</ErrorResponse>\n");
    out
}

/// Text for XML 1.0: the characters that it can't hold become U+FFFD.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain =
        |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n') && !matches!(byte, b'<' | b'>' | b'&' | b'"');
    // Without an early end, so that the compiler looks at many bytes at once.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c >= ' ' || matches!(c, '\t' | '\n') => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_aws_does() {
        let elements =
            [Element::group("Credentials", vec![Element::text("AccessKeyId", "ASIA<&>\u{1}é\u{ffff}")])];
        assert_eq!(
            response("AssumeRole", result("AssumeRole", &elements), "id-1"),
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <AssumeRoleResult>\n    \
             <Credentials>\n      <AccessKeyId>ASIA&lt;&amp;&gt;\u{fffd}é\u{fffd}</AccessKeyId>\n    </Credentials>\n  \
             </AssumeRoleResult>\n  <ResponseMetadata>\n    <RequestId>id-1</RequestId>\n  </ResponseMetadata>\n\
             </AssumeRoleResponse>\n"
        );
    }
}
