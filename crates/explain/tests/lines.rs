//! Single lines of many programs, with what they have to be taken for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use waxseal_explain::{Given, diagnose, read};

/// A stage as the table writes it.
fn stage(event: &waxseal_explain::MailEvent) -> String {
    let stage = event.stage.map(|stage| serde_json::to_string(&stage).unwrap().replace('"', ""));
    stage.unwrap_or_else(|| "-".into())
}

#[test]
fn each_line_leads_to_its_cause() {
    let table = include_str!("lines.txt");
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let mut columns = row.splitn(4, " | ");
        let [cause, moment, reply, text] = std::array::from_fn(|_| columns.next().unwrap_or_default());
        let reading = read(text.as_bytes(), &Given::default());
        let [event] = reading.events.as_slice() else {
            wrong.push(format!("{} events, {:?}: {text}", reading.events.len(), reading.notes));
            continue;
        };
        let diagnosis = diagnose(event);
        let found = event.reply.map_or("-".to_owned(), |reply| reply.to_string());
        if (diagnosis.cause.as_str(), stage(event).as_str(), found.as_str()) != (cause, moment, reply) {
            wrong.push(format!(
                "{cause}|{moment}|{reply} is {}|{}|{found} by {}: {text}",
                diagnosis.cause,
                stage(event),
                diagnosis.rule
            ));
        }
    }
    assert!(count >= 120, "only {count} lines");
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
