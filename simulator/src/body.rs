//! The bodies of answers: whole ones, and those that drip, stall or never end.
//!
//! Owns how a body is handed to hyper. Does not choose which body a request gets.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::log::InFlight;

const CHUNK: usize = 16 * 1024;

enum Step {
    Data(Bytes),
    Drip {
        rest: Bytes,
        size: usize,
        ticks: Interval,
    },
    Endless(Bytes),
    Hang,
}

pub(crate) struct Payload {
    steps: VecDeque<Step>,
    /// The length, for bodies that are what their Content-Length says.
    length: Option<u64>,
    in_flight: Option<InFlight>,
}

impl Payload {
    fn new(steps: impl IntoIterator<Item = Step>, length: Option<usize>) -> Payload {
        Payload {
            steps: steps.into_iter().collect(),
            length: length.map(|length| length as u64),
            in_flight: None,
        }
    }

    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Payload {
        let mut rest: Bytes = bytes.into();
        let length = rest.len();
        let mut steps = Vec::new();
        while !rest.is_empty() {
            steps.push(Step::Data(rest.split_to(rest.len().min(CHUNK))));
        }
        Payload::new(steps, Some(length))
    }

    /// `bytes`, then nothing more, and no end.
    pub(crate) fn stalled(bytes: impl Into<Bytes>) -> Payload {
        Payload::new([Step::Data(bytes.into()), Step::Hang], None)
    }

    pub(crate) fn drip(bytes: impl Into<Bytes>, bytes_per_second: u32) -> Payload {
        let rest: Bytes = bytes.into();
        let length = rest.len();
        // Slow rates send one byte at a time, fast ones ten pieces a second.
        let size = (bytes_per_second as usize / 10).max(1);
        let mut ticks = interval(Duration::from_secs_f64(
            size as f64 / f64::from(bytes_per_second.max(1)),
        ));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Payload::new([Step::Drip { rest, size, ticks }], Some(length))
    }

    pub(crate) fn endless(start: impl Into<Bytes>, again: impl Into<Bytes>) -> Payload {
        Payload::new(
            [Step::Data(start.into()), Step::Endless(again.into())],
            None,
        )
    }

    /// Counts the request as complete once the last byte has been handed over.
    pub(crate) fn watched(mut self, mut in_flight: InFlight) -> Payload {
        if self.steps.is_empty() {
            in_flight.complete();
        }
        self.in_flight = Some(in_flight);
        self
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (data, last) = match self.steps.front_mut() {
            None => return Poll::Ready(None),
            Some(Step::Hang) => return Poll::Pending,
            Some(Step::Data(bytes)) => (std::mem::take(bytes), true),
            Some(Step::Endless(bytes)) => (bytes.clone(), false),
            Some(Step::Drip { rest, size, ticks }) => {
                if ticks.poll_tick(context).is_pending() {
                    return Poll::Pending;
                }
                (rest.split_to(rest.len().min(*size)), rest.is_empty())
            }
        };
        if last {
            self.steps.pop_front();
        }
        if let (true, Some(in_flight)) = (self.steps.is_empty(), &mut self.in_flight) {
            in_flight.complete();
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
