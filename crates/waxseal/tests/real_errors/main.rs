//! Errors that real mail servers run into, explained: Postfix, Exim and OpenSMTPD send to
//! servers that refuse, break or are not there, and what each writes into its own log is
//! given to `waxseal explain`, which has to name the cause, who must act and whether a retry
//! helps; and to `waxseal diagnose`, which has to find the cause still there ([`confirm`]).
//!
//! Those servers are real ones with settings of their own ([`stage`]), servers of the lab, and
//! a few that say what a test tells them to. Mail servers find one another by DNS and at port
//! 25. So the test starts itself once more in namespaces of its own, with unbound as
//! resolver and the lab at real ports. It needs root, `unshare`, `ip` and Debian's packages;
//! without them it ends with a line that says `SKIPPED`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod case;
mod confirm;
mod exim;
mod logs;
mod opensmtpd;
mod postfix;
mod stage;

use waxseal_peers::{PeerError, namespace, unbound};

use stage::Stage;

const TEST: &str = "errors_of_real_servers_are_explained";

#[test]
fn errors_of_real_servers_are_explained() {
    if namespace::is_inside() {
        within();
        return;
    }
    // Before the network is out of reach.
    let begun = unbound::programs()
        .and_then(|_| waxseal_peers::postfix::programs())
        .and_then(|_| waxseal_peers::exim::programs())
        .and_then(|_| waxseal_peers::opensmtpd::programs())
        .and_then(|_| namespace::enter(&[TEST, "--exact", "--nocapture"]));
    match begun {
        Ok(output) => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(PeerError::Unavailable(why)) => eprintln!("SKIPPED: errors of real servers: {why}"),
        Err(error) => panic!("{error}"),
    }
}

/// All of it, in namespaces of its own.
fn within() {
    let stage = Stage::new();
    let mut told = postfix::told(&stage);
    told.extend(exim::told(&stage));
    told.extend(opensmtpd::told(&stage));
    case::judge(&told);
    logs::judge(&stage, &told);
    confirm::judge(&stage, &told);
}
