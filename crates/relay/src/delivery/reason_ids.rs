//! Reasons by number. There are a few dozen; a queue repeats them.

use std::collections::HashMap;

/// A reason; the default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ReasonId(u16);

impl ReasonId {
    /// Its place in [`Reasons::names`]; none for no reason.
    pub(crate) fn place(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }
}

/// More than this are not told apart: what is stored may be anything.
const MOST: usize = 1000;

/// All reasons seen so far.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    names: Vec<Box<str>>,
    ids: HashMap<Box<str>, ReasonId>,
}

impl Reasons {
    /// The number of a reason.
    pub(crate) fn intern(&mut self, name: Option<&str>) -> ReasonId {
        let Some(name) = name else { return ReasonId::default() };
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        if self.names.len() >= MOST && name != "other" {
            return self.intern(Some("other"));
        }
        self.names.push(name.into());
        let id = ReasonId(u16::try_from(self.names.len()).unwrap_or(u16::MAX));
        self.ids.insert(name.into(), id);
        id
    }

    /// All names, by [`ReasonId::place`].
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }
}

/// True for reasons that end by themselves when the other side mends its TLS, its records or
/// its policy: worth asking for between two attempts.
pub(crate) fn is_watched(reason: &str) -> bool {
    ["tls.", "dane.", "sts.", "fp."].iter().any(|family| reason.starts_with(family))
}

/// True for reasons that say something of one domain's policy, not of the hosts that it shares
/// with others.
pub(crate) fn is_of_one_domain(reason: &str) -> bool {
    ["sts.", "fp."].iter().any(|family| reason.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let mut reasons = Reasons::default();
        let tls = reasons.intern(Some("tls.not_advertised"));
        let none = reasons.intern(None);
        assert_eq!(reasons.intern(Some("tls.not_advertised")), tls);
        assert_eq!(&*reasons.names()[tls.place().unwrap()], "tls.not_advertised");
        assert_eq!(none.place(), None);
    }

    #[test]
    fn too_many_are_one() {
        let mut reasons = Reasons::default();
        let last = (0..3000).map(|n| reasons.intern(Some(&n.to_string()))).last().unwrap();
        assert_eq!(&*reasons.names()[last.place().unwrap()], "other");
        assert!(reasons.names.len() <= MOST + 1);
    }

    #[test]
    fn what_is_watched() {
        for reason in ["tls.not_advertised", "tls.cert.name", "dane.lookup", "sts.fetch", "fp.mismatch"] {
            assert!(is_watched(reason), "{reason}");
        }
        for reason in ["reply.rcpt", "connect.timeout", "mx.bogus", "requiretls.unsupported", "tlsx"] {
            assert!(!is_watched(reason), "{reason}");
        }
        assert!(is_of_one_domain("sts.webpki") && !is_of_one_domain("dane.mismatch"));
    }
}
