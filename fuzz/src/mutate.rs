//! Documents made of others by a list of edits that the fuzzer's bytes choose: bytes, tokens, whole
//! elements copied, moved, wrapped and spliced, and the classical shapes of signature wrapping.

use std::ops::Range;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};

/// Edits of one document. More do not find more: nothing recognisable is left.
const MOST_EDITS: usize = 6;

/// The words of `saml.dict`.
static WORDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let quoted = include_str!("../saml.dict").lines().filter_map(|line| line.strip_prefix('"'));
    quoted.filter_map(|line| line.strip_suffix('"')).map(unescaped).collect()
});

/// One of `documents`, edited as `input` says; with no input, as it is.
pub(crate) fn document(documents: &[&str], input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut edited = input.choose(documents)?.as_bytes().to_vec();
    for _ in 0..MOST_EDITS {
        if input.is_empty() {
            break;
        }
        let other = input.choose(documents)?.as_bytes();
        edit(&mut edited, other, input)?;
    }
    Ok(edited)
}

fn edit(document: &mut Vec<u8>, other: &[u8], input: &mut Unstructured<'_>) -> Result<()> {
    match input.int_in_range(0..=13)? {
        0 => {
            let at = index(document.len(), input)?;
            put(document, at..(at + 1), &[input.arbitrary()?]);
        }
        1 => {
            let (at, word) = (index(document.len(), input)?, input.choose(&WORDS)?);
            put(document, at..at, word);
        }
        2 => {
            let (at, word) = (seam(document, input)?, input.choose(&WORDS)?);
            put(document, at..at, word);
        }
        3 => {
            let (range, word) = (value(document, input)?, input.choose(&WORDS)?);
            put(document, range, word);
        }
        4 => {
            let (one, two) = (value(document, input)?, value(document, input)?);
            let copy = document[two].to_vec();
            put(document, one, &copy);
        }
        5 => {
            let at = index(document.len(), input)?;
            let to = at + input.int_in_range(1..=64)?;
            put(document, at..to, b"");
        }
        6 => {
            let removed = element(document, input)?;
            put(document, removed, b"");
        }
        7 => {
            let (from, to) = (element(document, input)?, seam(document, input)?);
            let copy = document[from].to_vec();
            put(document, to..to, &copy);
        }
        8 => {
            let (from, to) = (element(document, input)?, element(document, input)?);
            let copy = document[from].to_vec();
            put(document, to, &copy);
        }
        9 => {
            let (from, to) = (element(other, input)?, element(document, input)?);
            put(document, to, &other[from]);
        }
        10 => {
            let (from, to) = (element(other, input)?, seam(document, input)?);
            put(document, to..to, &other[from]);
        }
        11 => wrap(document, input)?,
        12 => bracket(document, input)?,
        _ => {
            let (one, two) = (element(document, input)?, element(document, input)?);
            swap(document, one, two);
        }
    }
    Ok(())
}

/// Signature wrapping: a forged copy of an element, with another id and another content, before,
/// behind, around or within the honest one.
fn wrap(document: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    let honest = element(document, input)?;
    let original = document[honest.clone()].to_vec();
    let mut forged = original.clone();
    if input.arbitrary()? {
        replace(&mut forged, b"ID=\"_", b"ID=\"_x");
    }
    if input.arbitrary()? {
        let signature = elements(&forged).into_iter().find(|e| named(&forged[e.clone()], b"Signature"));
        put(&mut forged, signature.unwrap_or_default(), b"");
    }
    let text = value(&forged, input)?;
    put(&mut forged, text, input.choose(&WORDS)?);
    let made = match input.int_in_range(0..=3)? {
        0 => [forged, original].concat(),
        1 => [original, forged].concat(),
        2 => {
            let at = seam(&forged, input)?;
            put(&mut forged, at..at, &original);
            forged
        }
        _ => {
            let (mut around, at) = (original.clone(), seam(&original, input)?);
            put(&mut around, at..at, &forged);
            around
        }
    };
    put(document, honest, &made);
    Ok(())
}

/// Puts an element into another: one that is allowed somewhere, or one that nobody knows.
fn bracket(document: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    let names: [&str; 8] = [
        "samlp:Extensions",
        "saml:Advice",
        "saml:AttributeValue",
        "ds:Object",
        "saml:EncryptedAssertion",
        "saml:Assertion",
        "samlp:Response",
        "x",
    ];
    let (name, inner) = (*input.choose(&names)?, element(document, input)?);
    let made = [b"<", name.as_bytes(), b">", &document[inner.clone()], b"</", name.as_bytes(), b">"];
    put(document, inner, &made.concat());
    Ok(())
}

/// Where elements begin and end, as far as the tags can be matched.
fn elements(document: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for tag in tags(document) {
        let text = &document[tag.clone()];
        if text.starts_with(b"</") {
            found.extend(open.pop().map(|from| from..tag.end));
        } else if text.ends_with(b"/>") {
            found.push(tag);
        } else if !text.starts_with(b"<?") && !text.starts_with(b"<!") {
            open.push(tag.start);
        }
    }
    found
}

fn tags(document: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(start) = position(&document[from..], b'<') {
        let start = from + start;
        let Some(end) = position(&document[start..], b'>') else { break };
        from = start + end + 1;
        found.push(start..from);
    }
    found
}

/// Some element.
fn element(document: &[u8], input: &mut Unstructured<'_>) -> Result<Range<usize>> {
    let found = elements(document);
    if found.is_empty() { Ok(0..0) } else { Ok(input.choose(&found)?.clone()) }
}

/// Some place between two tags.
fn seam(document: &[u8], input: &mut Unstructured<'_>) -> Result<usize> {
    let found = tags(document);
    if found.is_empty() { Ok(0) } else { Ok(input.choose(&found)?.end) }
}

/// Some text, or some attribute's value.
fn value(document: &[u8], input: &mut Unstructured<'_>) -> Result<Range<usize>> {
    let mut found = Vec::new();
    let mut before = 0;
    for tag in tags(document) {
        if before < tag.start {
            found.push(before..tag.start);
        }
        before = tag.end;
        let quotes = tag.clone().filter(|at| document[*at] == b'"').collect::<Vec<_>>();
        found.extend(quotes.chunks_exact(2).map(|pair| (pair[0] + 1)..pair[1]));
    }
    if found.is_empty() { Ok(0..0) } else { Ok(input.choose(&found)?.clone()) }
}

/// Exchanges two elements, if neither is within the other.
fn swap(document: &mut Vec<u8>, one: Range<usize>, two: Range<usize>) {
    let (first, second) = if one.start < two.start { (one, two) } else { (two, one) };
    if first.end <= second.start {
        let made = [&document[second.clone()], &document[first.end..second.start], &document[first.clone()]];
        put(document, first.start..second.end, &made.concat());
    }
}

fn put(document: &mut Vec<u8>, range: Range<usize>, text: &[u8]) {
    let end = range.end.min(document.len());
    document.splice(range.start.min(end)..end, text.iter().copied());
}

fn replace(document: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    if let Some(at) = document.windows(from.len()).position(|window| window == from) {
        put(document, at..(at + from.len()), to);
    }
}

fn named(element: &[u8], local: &[u8]) -> bool {
    let name = element.split(|b| matches!(b, b' ' | b'>' | b'/')).next().unwrap_or_default();
    name.ends_with(local)
}

fn index(length: usize, input: &mut Unstructured<'_>) -> Result<usize> {
    input.int_in_range(0..=length.saturating_sub(1))
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

/// A word as libFuzzer's dictionaries write it.
fn unescaped(word: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), word.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16).unwrap_or_default() as u8;
                out.push(digit(high) << 4 | digit(low));
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                out.push(*escaped);
                rest = after;
            }
            _ => out.push(*first),
        }
    }
    out
}
