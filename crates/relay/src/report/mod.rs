//! Reports to receiving domains (TLS-RPT, RFC 8460).
