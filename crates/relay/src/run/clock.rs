//! The time of day.

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}
