//! Sixteen clients that keep their connections and send one request again and again.

use std::io::Write;
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
        crate::answer::read(stream)
    }
}
