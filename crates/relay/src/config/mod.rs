//! The configuration: a TOML file, read whole or refused with the place of the mistake.
