//! How a reader gives a connection, and so by which names texts call its parts.
//!
//! Owns the headers that stand for connection arguments. A reader whose connection comes by header neither sees nor
//! chooses the target: no text names it.

use crate::opmanager::Error;

/// The headers of a request that bring a connection, and the arguments that they stand for.
pub(crate) const CONNECTION_HEADERS: [(&str, &str); 5] = [
    ("host", "X-OpManager-Host"),
    ("apiKey", "X-OpManager-Api-Key"),
    ("port", "X-OpManager-Port"),
    ("use_ssl", "X-OpManager-Use-Ssl"),
    ("verify_ssl", "X-OpManager-Verify-Ssl"),
];

/// The same for those that say which part of an MSP Central a call is about.
pub(crate) const SCOPE_HEADERS: [(&str, &str); 2] = [
    ("selCustomerID", "X-OpManager-Customer-Id"),
    ("regionID", "X-OpManager-Region-Id"),
];

/// How a reader gives a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wording {
    /// As arguments of the call.
    Arguments,
    /// As headers of the request, which the reader of a result does not see.
    Headers,
    /// As flags of the command line, and the key at a prompt.
    Flags,
}

impl Wording {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 3] = [Self::Arguments, Self::Headers, Self::Flags];

    /// Whether texts may name the target.
    pub(crate) const fn names_target(self) -> bool {
        match self {
            Self::Arguments | Self::Flags => true,
            Self::Headers => false,
        }
    }

    /// A connection argument, or any other, as the reader knows it.
    pub(crate) fn name(self, argument: &str) -> String {
        match self {
            Self::Arguments => format!("`{argument}`"),
            Self::Headers => match header(argument) {
                Some(header) => format!("header `{header}`"),
                None => format!("`{argument}`"),
            },
            Self::Flags => match argument {
                "host" => "--host".to_owned(),
                "use_ssl" => "--use-ssl".to_owned(),
                "verify_ssl" => "--no-verify-ssl".to_owned(),
                "apiKey" => "the API key".to_owned(),
                "selCustomerID" => "--customer-id".to_owned(),
                "regionID" => "--region-id".to_owned(),
                _ => format!("`{argument}`"),
            },
        }
    }

    /// A connection argument with a value.
    pub(crate) fn setting(self, argument: &str, value: &str) -> String {
        match self {
            Self::Arguments => format!("`{argument}: {value}`"),
            Self::Headers => match header(argument) {
                Some(header) => format!("header `{header}: {value}`"),
                None => format!("`{argument}: {value}`"),
            },
            Self::Flags if argument == "verify_ssl" => self.name(argument),
            Self::Flags => format!("{} {value}", self.name(argument)),
        }
    }

    /// What is wrong with an argument, or any other error in words that may name the target.
    pub(crate) fn of_error(self, error: &Error) -> String {
        match error {
            Error::Argument { argument, message } => {
                format!("{} {message}", self.name(argument))
            }
            error => error.words(self.names_target()).to_string(),
        }
    }
}

fn header(argument: &str) -> Option<&'static str> {
    CONNECTION_HEADERS
        .iter()
        .chain(&SCOPE_HEADERS)
        .find(|(known, _)| *known == argument)
        .map(|(_, header)| *header)
}
