//! An identity provider that publishes metadata on loopback, well or badly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server says next.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A document with this entity tag; asked for with that tag, it has not changed.
    Document(&'static str, String),
    /// A document that is said to be longer.
    Truncated(String),
    /// The beginning of a document, and then silence.
    Silence,
    /// Nothing but a status.
    Status(u16),
}

/// An identity provider that publishes metadata on loopback.
pub(crate) struct Server {
    pub(crate) url: String,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that publishes `document`.
    pub(crate) fn publishing(document: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Answer::Document("\"1\"", document.to_owned())));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answers, asked) = (Arc::clone(&answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            // Streams that a client waits on.
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut stream);
                asked.lock().unwrap().push(request.clone());
                let answer = answers.lock().unwrap().clone();
                // The client may have hung up, as it does on a body that is too large.
                let _ = stream.write_all(answer.to(&request).as_bytes());
                if matches!(answer, Answer::Silence) {
                    silent.push(stream);
                }
            }
        });
        Self { url, answer, requests }
    }

    /// From now on it answers so.
    pub(crate) fn says(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The head of what was asked last, in lower case.
    pub(crate) fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

impl Answer {
    fn to(&self, request: &str) -> String {
        let head = |status: u16, length: usize, more: &str| {
            format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{more}connection: close\r\n\r\n")
        };
        match self {
            Self::Document(tag, _) if request.contains(&format!("if-none-match: {tag}")) => head(304, 0, ""),
            Self::Document(tag, document) => {
                head(200, document.len(), &format!("etag: {tag}\r\n")) + document
            }
            Self::Truncated(document) => head(200, document.len() + 1, "") + document,
            Self::Silence => head(200, 1000, "") + "<EntityDescriptor",
            Self::Status(status) => head(*status, 0, "location: /elsewhere\r\n"),
        }
    }
}

/// The head of one request; there is no body.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    String::from_utf8(request).unwrap().to_lowercase()
}
