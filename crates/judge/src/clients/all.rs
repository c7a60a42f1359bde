//! The list of clients.

use std::sync::LazyLock;

use super::profile::Client;

const SOURCES: [&str; 0] = [
];

static CLIENTS: LazyLock<Vec<Client>> =
    LazyLock::new(|| SOURCES.iter().filter_map(|text| toml::from_str(text).ok()).collect());

/// All clients: mail servers first, then programs that submit mail, newest first.
pub fn all() -> &'static [Client] {
    &CLIENTS
}

/// The client of this id.
pub fn find(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|c| c.id == id)
}
