//! The scheduler at work, on paused time: nothing here depends on how fast the machine is.

mod fakes;
mod flow;
mod model;
mod recovery;
mod sites;
mod sqlite;
mod trouble;
