//! Why requests are rejected.
//!
//! Owns the reasons and their labels in the metrics. Knows no response.

/// Why a request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RejectReason {
    /// `Host` does not name this server.
    Host,
    /// `Origin` is not listed.
    Origin,
    /// The bearer token is missing or wrong.
    Token,
    /// This caller sends more requests than its rate allows.
    Rate,
    /// The media type is not JSON, or the client accepts neither JSON nor events.
    MediaType,
    /// It is longer than allowed.
    Size,
    /// It arrived too slowly.
    Slow,
    /// It is not an acceptable message.
    Message,
    /// As many requests are being answered as may.
    Busy,
}

impl RejectReason {
    /// The label of the metric.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::Rate => "rate",
            Self::MediaType => "media_type",
            Self::Size => "size",
            Self::Slow => "slow",
            Self::Message => "message",
            Self::Busy => "busy",
        }
    }
}
