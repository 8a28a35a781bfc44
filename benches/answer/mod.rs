//! Reading an answer from a connection that goes on.

use std::io::Read;
use std::net::TcpStream;

/// Head and body of one answer.
pub(crate) fn read(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 16384]);
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
