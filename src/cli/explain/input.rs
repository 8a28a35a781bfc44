//! The document as people have it at hand: base64 with or without line breaks, the form that a
//! browser posts, or the XML itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::broker::explain::{FIELD, response};

/// The verifier takes a quarter of a megabyte; base64 and URL encoding can make four times that of
/// it. Whatever is larger is another file.
const LARGEST: u64 = 2 * 1024 * 1024;

/// Reads `path`, or standard input where it is `-`, and gives the response's base64.
pub(super) fn response_in(path: &Path) -> Result<String, String> {
    response(&read(path)?).ok_or_else(|| {
        format!("{} holds no response: it is empty, or a form without {FIELD}", path.display())
    })
}

/// Reads `path`, or standard input where it is `-`, and gives the token in it.
pub(super) fn token_in(path: &Path) -> Result<String, String> {
    let text = String::from_utf8_lossy(&read(path)?).trim().to_owned();
    match text.is_empty() {
        true => Err(format!("{} is empty", path.display())),
        false => Ok(text),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let bytes = if path.as_os_str() == "-" {
        limited(io::stdin().lock())
    } else {
        File::open(path).and_then(limited)
    };
    let bytes = bytes.map_err(|error| format!("can't read {shown}: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown} has more than {LARGEST} bytes: give the response or token alone"));
    }
    Ok(bytes)
}

fn limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
