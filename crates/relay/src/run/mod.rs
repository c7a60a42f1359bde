//! All parts put together: start, reload, stop.
