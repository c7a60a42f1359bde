//! The domains that there is or was lately mail for.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::site::Ready;

/// A domain, as long as there is mail for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DomainId(u32);

impl DomainId {
    /// Its place among all domains, below [`Domains::slots`].
    pub(crate) fn slot(self) -> usize {
        self.0 as usize
    }
}

/// So many domains without mail are remembered, for the sites that they were last at.
const REMEMBERED: usize = 10_000;

/// What is known of a domain.
#[derive(Debug)]
pub(crate) struct Domain {
    /// The name.
    pub(crate) name: Arc<str>,
    /// The site where its mail went last. It may go elsewhere for another sender, or by now.
    pub(crate) site: Option<Arc<str>>,
    /// What is ready while the site is not known yet.
    pub(crate) unrouted: VecDeque<Ready>,
    /// Its site is being looked up, or stands in the line for it.
    pub(crate) routing: bool,
    bundles: u32,
    resting: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    slots: Vec<Option<Domain>>,
    free: Vec<u32>,
    ids: HashMap<Arc<str>, DomainId>,
    /// Those without mail, longest first; some have mail again.
    resting: VecDeque<DomainId>,
}

impl Domains {
    /// The number of a domain. Without a bundle it may be forgotten with the next one that is
    /// left without.
    pub(crate) fn intern(&mut self, name: &str) -> DomainId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let name: Arc<str> = name.into();
        let domain = Domain {
            name: Arc::clone(&name),
            site: None,
            unrouted: VecDeque::new(),
            routing: false,
            bundles: 0,
            resting: false,
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(domain);
        }
        let id = DomainId(slot);
        self.ids.insert(name, id);
        id
    }

    /// The domain of a name, if it is known.
    pub(crate) fn find(&self, name: &str) -> Option<DomainId> {
        self.ids.get(name).copied()
    }

    /// More than the place of any domain.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, id: DomainId) -> Option<&Domain> {
        self.slots.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: DomainId) -> Option<&mut Domain> {
        self.slots.get_mut(id.0 as usize)?.as_mut()
    }

    /// One more bundle.
    pub(super) fn hold(&mut self, id: DomainId) {
        if let Some(domain) = self.get_mut(id) {
            domain.bundles += 1;
        }
    }

    /// One bundle less.
    pub(super) fn release(&mut self, id: DomainId) {
        let Some(domain) = self.get_mut(id) else { return };
        domain.bundles = domain.bundles.saturating_sub(1);
        if domain.bundles == 0 && !domain.resting {
            domain.resting = true;
            self.resting.push_back(id);
        }
        if self.resting.len() > REMEMBERED
            && let Some(id) = self.resting.pop_front()
        {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: DomainId) {
        let Some(place) = self.slots.get_mut(id.0 as usize) else { return };
        let Some(domain) = place else { return };
        domain.resting = false;
        if domain.routing {
            domain.resting = true;
            self.resting.push_back(id);
        } else if domain.bundles == 0 {
            self.ids.remove(&domain.name);
            *place = None;
            self.free.push(id.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number() {
        let mut domains = Domains::default();
        let a = domains.intern("a.example");
        assert_eq!(domains.intern("a.example"), a);
        assert_ne!(domains.intern("b.example"), a);
        assert_eq!(domains.find("a.example"), Some(a));
        assert_eq!(&*domains.get(a).unwrap().name, "a.example");
    }

    #[test]
    fn domains_without_mail_are_forgotten_when_there_are_many() {
        let mut domains = Domains::default();
        let kept = domains.intern("kept.example");
        domains.hold(kept);
        for n in 0..3 * REMEMBERED {
            let id = domains.intern(&format!("{n}.example"));
            domains.hold(id);
            domains.release(id);
        }
        assert!(domains.slots.len() <= REMEMBERED + 3, "{}", domains.slots.len());
        assert_eq!(domains.find("0.example"), None);
        assert_eq!(domains.find("kept.example"), Some(kept));
    }

    #[test]
    fn one_that_has_mail_again_is_kept() {
        let mut domains = Domains::default();
        let back = domains.intern("back.example");
        domains.hold(back);
        domains.release(back);
        domains.hold(back);
        for n in 0..2 * REMEMBERED {
            let id = domains.intern(&format!("{n}.example"));
            domains.hold(id);
            domains.release(id);
        }
        assert_eq!(domains.find("back.example"), Some(back));
    }
}
