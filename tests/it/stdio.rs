//! What is true of lines, standard input and sessions only. Each test names the one that proves the same, or what holds
//! instead, over HTTP, where there is any; all other tests of calls run over both transports.

mod confirm;
mod log;
mod messages;
mod sessions;
