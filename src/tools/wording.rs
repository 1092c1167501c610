//! How a reader gives a connection, and so by which names texts call its parts.
//!
//! Owns the headers that stand for connection arguments. A reader whose connection comes by header neither sees nor
//! chooses the target: no text names it.

use std::borrow::Cow;

/// The headers of a request that bring a connection, and the arguments that they stand for.
pub(crate) const CONNECTION_HEADERS: [(&str, &str); 5] = [
    ("host", "X-OpManager-Host"),
    ("apiKey", "X-OpManager-Api-Key"),
    ("port", "X-OpManager-Port"),
    ("use_ssl", "X-OpManager-Use-Ssl"),
    ("verify_ssl", "X-OpManager-Verify-Ssl"),
];

/// How a reader gives a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    /// As arguments of the call.
    Arguments,
    /// As headers of the request, which the reader of a result does not see.
    Headers,
}

impl Wording {
    /// Both.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 2] = [Self::Arguments, Self::Headers];

    /// Whether texts may name the target.
    pub(crate) const fn names_target(self) -> bool {
        match self {
            Self::Arguments => true,
            Self::Headers => false,
        }
    }

    /// A connection argument, as the reader knows it.
    pub(crate) fn name(self, argument: &str) -> String {
        match self.header(argument) {
            None => format!("`{argument}`"),
            Some(header) => format!("header `{header}`"),
        }
    }

    /// A connection argument with a value.
    pub(crate) fn setting(self, argument: &str, value: &str) -> String {
        match self.header(argument) {
            None => format!("`{argument}: {value}`"),
            Some(header) => format!("header `{header}: {value}`"),
        }
    }

    /// A text of ours that names connection arguments in backticks, in the names that the reader knows.
    pub(crate) fn of_text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Arguments => Cow::Borrowed(text),
            Self::Headers => Cow::Owned(CONNECTION_HEADERS.iter().fold(
                text.to_owned(),
                |text, (argument, header)| {
                    text.replace(&format!("`{argument}`"), &format!("header `{header}`"))
                        .replace(&format!("`{argument}: "), &format!("`{header}: "))
                },
            )),
        }
    }

    fn header(self, argument: &str) -> Option<&'static str> {
        match self {
            Self::Arguments => None,
            Self::Headers => CONNECTION_HEADERS
                .iter()
                .find(|(known, _)| *known == argument)
                .map(|(_, header)| *header),
        }
    }
}
