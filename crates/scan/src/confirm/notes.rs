//! What is noted during a test, and the verdicts that end it.

use waxseal_model::{
    confirmation::{Bearing, Confirmation, Ending, Rather, Tested},
    diagnosis::{Fix, RunnerUp},
};
use waxseal_wire::text::neutralise;

/// The longest sentence of an observation: some quote what strangers wrote.
const LONGEST: usize = 600;

/// Answers so far, and what follows from them for whoever must act.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) observations: Vec<Tested>,
    pub(super) fix: Vec<Fix>,
    pub(super) next: Vec<String>,
}

impl Notes {
    pub(super) fn note(&mut self, what: impl AsRef<str>, said: impl AsRef<str>, bearing: Bearing) {
        let tested = Tested { what: clean(what.as_ref()), said: clean(said.as_ref()), bearing };
        if !self.observations.contains(&tested) {
            self.observations.push(tested);
        }
    }

    /// It speaks for the cause.
    pub(super) fn supports(&mut self, what: impl AsRef<str>, said: impl AsRef<str>) {
        self.note(what, said, Bearing::Supports);
    }

    /// It speaks against the cause.
    pub(super) fn contradicts(&mut self, what: impl AsRef<str>, said: impl AsRef<str>) {
        self.note(what, said, Bearing::Contradicts);
    }

    /// It is worth knowing.
    pub(super) fn aside(&mut self, what: impl AsRef<str>, said: impl AsRef<str>) {
        self.note(what, said, Bearing::Aside);
    }

    /// No usable answer came.
    pub(super) fn failed(&mut self, what: impl AsRef<str>, said: impl AsRef<str>) {
        self.note(what, said, Bearing::Failed);
    }

    /// A change that follows from what was seen.
    pub(super) fn fix(&mut self, at: &str, text: impl AsRef<str>, paste: Option<String>) {
        self.fix.push(Fix { at: at.to_owned(), text: clean(text.as_ref()), paste });
    }

    /// A command that finds out more.
    pub(super) fn next(&mut self, command: impl Into<String>) {
        self.next.push(command.into());
    }

    /// The cause is there.
    pub(super) fn confirmed(self, because: impl AsRef<str>) -> Confirmation {
        self.end(Ending::Confirmed, because.as_ref(), None)
    }

    /// The cause is not there, and nothing else was found.
    pub(super) fn refuted(self, because: impl AsRef<str>) -> Confirmation {
        self.end(Ending::Refuted, because.as_ref(), None)
    }

    /// Something else was found in its place.
    pub(super) fn rather(self, cause: &str, because: impl AsRef<str>) -> Confirmation {
        let summary = clean(because.as_ref());
        self.end(Ending::Refuted, because.as_ref(), Some(Rather { cause: cause.to_owned(), summary }))
    }

    /// Nothing follows.
    pub(super) fn untested(self, because: impl AsRef<str>) -> Confirmation {
        self.end(Ending::Untested, because.as_ref(), None)
    }

    fn end(self, verdict: Ending, because: &str, rather: Option<Rather>) -> Confirmation {
        let Self { observations, fix, next } = self;
        Confirmation { verdict, because: clean(because), rather, observations, fix, next, connections: 0 }
    }
}

fn clean(text: &str) -> String {
    neutralise(text.as_bytes(), LONGEST)
}

/// Refuted, with no other cause in its place: the second best answer is worth a test.
pub(super) fn is_open(confirmation: &Confirmation) -> bool {
    confirmation.verdict == Ending::Refuted && confirmation.rather.is_none()
}

/// Adds the test of the runner-up to a refuted diagnosis.
pub(super) fn take_runner_up(first: &mut Confirmation, second: Confirmation, runner_up: &RunnerUp) {
    if second.verdict != Ending::Confirmed {
        return;
    }
    first.because = format!("{} ({})", second.because, runner_up.summary.trim_end_matches('.'));
    first.rather = Some(Rather { cause: runner_up.cause.clone(), summary: runner_up.summary.clone() });
    first.fix.extend(second.fix);
    first.next.extend(second.next);
    for observation in second.observations {
        if !first.observations.contains(&observation) {
            let bearing = Bearing::Aside;
            first.observations.push(Tested { bearing, ..observation });
        }
    }
}

/// A list for people: `a`, `a and b`, `a, b and 3 more`.
pub(super) fn list<S: AsRef<str>>(items: &[S]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = items.iter().map(AsRef::as_ref).take(SHOWN).collect();
    let more = items.len().saturating_sub(SHOWN);
    match (shown.as_slice(), more) {
        ([], _) => String::new(),
        ([only], 0) => (*only).to_owned(),
        (all, 0) => {
            let (last, before) = all.split_last().unwrap_or((&"", &[]));
            format!("{} and {last}", before.join(", "))
        }
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short_and_read_well() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
        assert_eq!(list::<&str>(&[]), "");
    }

    #[test]
    fn a_runner_up_that_is_confirmed_takes_the_place_of_what_was_refuted() {
        let runner_up = RunnerUp {
            cause: "cert_expired".into(),
            summary: "It expired.".into(),
            confidence: 0.3,
            rule: String::new(),
        };
        let mut second = Notes::default();
        second.supports("mx", "expired");
        let second = second.confirmed("the certificate of mx expired");
        let mut first = Notes::default().refuted("STARTTLS is offered");
        assert!(is_open(&first));
        take_runner_up(&mut first, second, &runner_up);
        assert_eq!(first.says(), "Refuted: rather the certificate of mx expired (It expired).");
        assert_eq!(first.observations.len(), 1);
        let mut first = Notes::default().refuted("STARTTLS is offered");
        take_runner_up(&mut first, Notes::default().untested("x"), &runner_up);
        assert!(is_open(&first));
    }

    #[test]
    fn what_strangers_wrote_is_harmless() {
        let mut notes = Notes::default();
        notes.supports("a\nb", "\u{1b}[2J");
        let told = notes.confirmed("\u{7}");
        assert!(!told.says().contains('\u{7}'));
        assert!(told.observations.iter().all(|o| !o.said.contains('\u{1b}') && !o.what.contains('\n')));
    }
}
