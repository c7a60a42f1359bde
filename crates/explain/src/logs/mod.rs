//! Many events of a log, counted.
