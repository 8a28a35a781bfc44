//! samael's side of the comparison: the oracle of the interop suite, a process of its own, because
//! it links what the product must not.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where `tests/interop/run` puts it.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/interop/oracle/release/samael-oracle");

/// A running oracle that has accepted a response.
pub(crate) struct Samael {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Samael {
    /// Starts the oracle and lets it accept `response`, which must be fresh by the machine's
    /// clock. Nothing if the oracle was not built.
    pub(crate) fn accepting(response: &str, metadata: &str, entity_id: &str, consumer: &str) -> Option<Self> {
        let mut child = match Command::new(PROGRAM).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(missing) => {
                println!(
                    "saml_verify_vs_samael left out ({missing}): `tests/interop/run --oracle` builds it"
                );
                return None;
            }
        };
        let (questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut samael = Self { child, questions, answers: BufReader::new(answers) };
        let metadata = base64_simd::STANDARD.encode_to_string(metadata);
        samael.ask(&format!("provider {metadata} {entity_id} {consumer}"));
        samael.ask(&format!("verify {response} -"));
        Some(samael)
    }

    /// CPU microseconds that it takes to verify that response: in its strictest mode, which is
    /// its fastest, and in the mode that it uses by itself.
    pub(crate) fn micros(&mut self, times: u32) -> (f64, f64) {
        let answer = self.ask(&format!("bench {times}"));
        let (strictest, default) = answer.split_once(' ').unwrap();
        (strictest.parse().unwrap(), default.parse().unwrap())
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let told = answer.trim_end().strip_prefix("ok");
        told.unwrap_or_else(|| panic!("samael, asked to {question:.9}: {answer}")).trim_start().to_owned()
    }
}

impl Drop for Samael {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
