//! SMTP as a server: what a client may say, and what it is answered.
