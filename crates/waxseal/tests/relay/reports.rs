//! TLS reports: sessions are counted, the day ends, and the domains that ask for reports get
//! one each. The day's end is made by dating the tallies back while the relay is stopped.

use std::{fs, path::Path, time::SystemTime};

use assert_cmd::Command;
use waxseal_lab::{Lab, LabOptions};
use waxseal_peers::{
    Sink, certificate,
    server::Folder,
    submit::{Message, submit},
};
use waxseal_store::ledger::{Ledger, LedgerSettings};

use crate::house::{House, any, free};

const DAY: u64 = 86_400;

fn lines(lab: &Lab, folder: &Path, more: &str) -> String {
    fs::write(folder.join("anchor"), lab.trust_anchor()).unwrap();
    fs::write(folder.join("roots.pem"), lab.ca_pem()).unwrap();
    format!(
        "[dns]\nservers = [\"{}\"]\ntrust_anchor = \"{}\"\n[tls]\nroots = \"{}\"\n\
         [delivery]\nport = {}\nretry = [\"6h\"]\nconnect_timeout = \"3s\"\n{more}",
        lab.dns(),
        folder.join("anchor").display(),
        folder.join("roots.pem").display(),
        lab.port_map()[&25],
    )
}

fn tlsrpt(key: &Path) -> String {
    format!(
        "[tlsrpt]\ncontact = \"postmaster@relay.test\"\norganisation = \"Relay Ltd\"\n\
         from = \"tlsrpt@relay.test\"\nspread = \"0s\"\nprivate_hosts = true\n\
         dkim_domain = \"relay.test\"\ndkim_selector = \"s1\"\ndkim_key = \"{}\"\n",
        key.display()
    )
}

/// Hands over a message to each, and waits until all are delivered.
fn deliver(house: &House, domains: &[&str]) {
    for domain in domains {
        let to = format!("bob@{domain}.lab.test");
        let text = "Subject: one\n\nbody\n";
        let message = Message { from: "alice@example.com", to: &[&to], parameters: "", text };
        submit(house.address(), &[message]).unwrap();
    }
    let delivered = || {
        let all = house.queue(&["--all"]);
        all.iter().filter(|m| m["recipients"][0]["state"] == "delivered").count()
    };
    house.until("not all are delivered", || delivered() == domains.len());
}

/// Domain and count of everything in the ledger of a relay that is stopped. With `back`, all
/// of it is dated a day back.
fn tallies(house: &House, back: bool) -> Vec<(String, u64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let file = house.path().join("queue/ledger.db");
        let ledger = Ledger::open(&file, LedgerSettings::default()).unwrap();
        let mut found = Vec::new();
        let mut days = ledger.days().await.unwrap();
        days.sort_unstable();
        for day in days {
            let taken = ledger.take(day).await.unwrap();
            for tally in &taken {
                found.push((tally.domain.clone(), tally.count));
                if back {
                    let failure = tally.failure.as_deref();
                    ledger.note(day - 1, &tally.domain, &tally.policy, failure, tally.count);
                }
            }
            if back {
                for tally in &taken {
                    ledger.sent(day, &tally.domain).await.unwrap();
                }
            }
        }
        ledger.close().await.unwrap();
        found
    })
}

fn explained(folder: &Path, number: usize, text: &str) -> String {
    let file = folder.join(format!("report-{number}.eml"));
    fs::write(&file, text).unwrap();
    let output = Command::cargo_bin("waxseal").unwrap().arg("explain").arg(&file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn domains_that_ask_for_tls_reports_get_one_for_each_day() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let labels = ["healthy", "tlsrpt-mailto", "tlsrpt-no-rua"];
    let lab = runtime.block_on(Lab::start(LabOptions::only(labels))).unwrap();
    let folder = Folder::new("reported").unwrap();
    let issued = certificate::issue(folder.path(), &certificate::Options::default()).unwrap();

    // The day before: nobody hears of it yet.
    let own = tlsrpt(&issued.key);
    let mut house = House::new("reports", &lines(&lab, folder.path(), &own));
    assert!(house.told(&["check-config"]).contains("no mistake found"));
    house.start();
    deliver(&house, &labels);
    house.stop();
    let mut domains: Vec<String> = tallies(&house, true).into_iter().map(|(domain, _)| domain).collect();
    domains.dedup();
    assert_eq!(domains, labels.map(|label| format!("{label}.lab.test")));

    // The day after. All mail goes to one sink now, so that the reports can be looked at.
    let sink = Sink::start(any(), None).unwrap();
    let text = fs::read_to_string(house.config()).unwrap();
    let route = format!("[[route]]\ndomain = \"*\"\nnext_hop = \"[127.0.0.1]:{}\"\n", sink.address().port());
    fs::write(house.config(), format!("{text}{route}")).unwrap();
    let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / DAY;
    house.start();
    house.until("no reports come", || sink.texts().len() >= 2);
    let reports = sink.texts();
    for (label, address) in
        [("tlsrpt-mailto", "tls@elsewhere.test"), ("healthy", "tls-reports@healthy.lab.test")]
    {
        let number = reports.iter().position(|r| r.contains(&format!("TLS-Report-Domain: {label}.lab.test")));
        let number = number.unwrap_or_else(|| panic!("no report for {label}: {reports:#?}"));
        let report = &reports[number];
        for word in ["DKIM-Signature: ", "d=relay.test", &format!("To: <{address}>"), "tlsrpt@relay.test"] {
            assert!(
                report.contains(word) || report.contains(&word.replace(['<', '>'], "")),
                "{word}: {report}"
            );
        }
        let said = explained(folder.path(), number, report);
        for word in ["Relay Ltd", &format!("{label}.lab.test")] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
    house.until("they are not settled", || house.queue(&[]).is_empty());
    house.stop();
    // Each once, none for a domain that names no address, and none about the reports themselves.
    assert_eq!(sink.texts().len(), 2, "{:#?}", sink.texts());
    let left = tallies(&house, false);
    let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / DAY;
    assert!(left.is_empty() || before != after, "{left:?}");
}

#[test]
fn without_tlsrpt_nothing_is_counted() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::start(LabOptions::only(["tlsrpt-mailto"]))).unwrap();
    let folder = Folder::new("uncounted-lab").unwrap();
    let mut house = House::new("uncounted", &lines(&lab, folder.path(), ""));
    house.start();
    deliver(&house, &["tlsrpt-mailto"]);
    house.stop();
    assert_eq!(tallies(&house, false), []);
}

#[test]
fn a_key_that_signs_nothing_is_a_mistake_in_the_configuration() {
    let folder = Folder::new("dkim").unwrap();
    let key = folder.path().join("dkim.pem");
    let house = House::new("dkim-house", &House::to(free(), &tlsrpt(&key)));
    let complaint = || {
        let checked = house.command(&["check-config"]);
        assert_eq!(checked.status.code(), Some(2));
        String::from_utf8(checked.stderr).unwrap()
    };
    assert!(complaint().contains("dkim.pem cannot be read"), "{}", complaint());
    fs::write(&key, "not a key\n").unwrap();
    assert!(complaint().contains("no private key in PEM form"), "{}", complaint());
}
