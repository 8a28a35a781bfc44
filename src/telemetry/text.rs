//! The log as text without colours, in the form that `tracing_subscriber` gives it.
//!
//! A broker writes an audit line a request, and the library goes through `fmt` for each name, sign and value
//! of it. Whatever is logged, it stays one line, and no terminal takes a part of it for a command.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats events, and the fields of spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut out)?;
        out.write_str(match *event.metadata().level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        let mut is_within = false;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            is_within = true;
            out.write_str(span.name())?;
            if let Some(fields) =
                span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty())
            {
                out.write_char('{')?;
                out.write_str(fields)?;
                out.write_char('}')?;
            }
            out.write_char(':')?;
        }
        if is_within {
            out.write_char(' ')?;
        }
        out.write_str(event.metadata().target())?;
        out.write_str(": ")?;
        context.format_fields(out.by_ref(), event)?;
        out.write_char('\n')
    }
}

impl<'w> FormatFields<'w> for Text {
    fn format_fields<R: RecordFields>(&self, out: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Fields { out, is_first: true, written: Ok(()) };
        fields.record(&mut visitor);
        visitor.written
    }
}

/// `name=value`, with a space between; a message has no name.
struct Fields<'w> {
    out: Writer<'w>,
    is_first: bool,
    written: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        self.written = self.written.and_then(|()| {
            if !std::mem::take(&mut self.is_first) {
                self.out.write_char(' ')?;
            }
            let name = field.name();
            if name != MESSAGE {
                self.out.write_str(name.strip_prefix("r#").unwrap_or(name))?;
                self.out.write_char('=')?;
            }
            value(&mut self.out)
        });
    }
}

const MESSAGE: &str = "message";

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
        if field.name() == MESSAGE {
            return self.record_debug(field, &format_args!("{value}"));
        }
        if !is_plain {
            return self.record_debug(field, &value);
        }
        self.write(field, |out| {
            out.write_char('"')?;
            out.write_str(value)?;
            out.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |out| write!(OneLine(out), "{value:?}"));
    }
}

/// Control characters on their way through become escapes.
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character.is_control() {
            true => write!(self.0, "{}", character.escape_default()),
            false => self.0.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of some events, without the time of day.
    fn written(is_ours: bool) -> Vec<String> {
        let kept = Kept::default();
        let out = kept.clone();
        let builder = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
        let builder = builder.with_writer(move || out.clone());
        let tell = || {
            let span = tracing::info_span!("request", id = "7", method = %"POST", path = "/a \"b\"");
            span.in_scope(|| {
                tracing::info!(target: "audit", event = "issued", caller = None::<&str>, offered_by = Some("x"), n = 5);
                tracing::info_span!("empty").in_scope(|| tracing::error!(r#type = "é", ms = 1.5, "went {}", "wrong"));
            });
            tracing::warn!(line = "one\ntwo", "three");
            tracing::debug!(list = ?["\u{1b}", "\\"]);
            tracing::trace!("only words");
            tracing::info!(message = "a \"word\"");
        };
        if is_ours {
            tracing::subscriber::with_default(builder.event_format(Text).fmt_fields(Text).finish(), tell);
        } else {
            tracing::subscriber::with_default(builder.finish(), tell);
        }
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn says_what_the_library_says() {
        assert_eq!(written(true), written(false));
        assert_eq!(written(true).len(), 6);
    }

    #[test]
    fn nothing_begins_another_line_or_commands_a_terminal() {
        let mut out = String::new();
        write!(OneLine(&mut Writer::new(&mut out)), "{:?}", format_args!("a\nb \u{1b}[2J é \u{9b}")).unwrap();
        assert_eq!(out, r"a\nb \u{1b}[2J é \u{9b}");
    }
}
