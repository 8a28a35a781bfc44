//! Sixteen clients that keep their connections and send one request again and again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

const CONNECTIONS: usize = 16;

/// A request, and where it goes.
pub(crate) struct Load {
    address: SocketAddr,
    request: Vec<u8>,
}

impl Load {
    /// `form` by POST to the root of `address`.
    pub(crate) fn new(address: SocketAddr, form: &str) -> Self {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             accept: */*\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        Self { address, request: request.into_bytes() }
    }

    /// The same request, to somebody else.
    pub(crate) fn to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Sends it `count` times over all connections, and stops at an answer that is not 200.
    pub(crate) fn run(&self, count: usize) {
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(self.address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    for _ in 0..count / CONNECTIONS {
                        let answer = self.once(&mut stream);
                        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    }
                });
            }
        });
    }

    /// Head and body of one answer.
    pub(crate) fn once(&self, stream: &mut TcpStream) -> String {
        stream.write_all(&self.request).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
        loop {
            let count = stream.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "the server hung up: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..count]);
            let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if answer.len() >= head + 4 + length.parse::<usize>().unwrap() {
                return String::from_utf8(answer).unwrap();
            }
        }
    }
}
