//! A mail log as a busy Postfix writes it: deliveries and arrivals over TLS and in clear,
//! refusals, temporary and lasting failures, and the lines that say nothing. The same log each
//! time, for as many lines.

use std::io::{self, Write};

/// Numbers without a pattern that would matter here (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(at).copied().unwrap_or_default()
    }
}

const BIG: [&str; 6] = ["gmail.com", "outlook.com", "yahoo.com", "gmx.net", "web.de", "icloud.com"];
const CIPHER: &str = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 \
                      server-signature RSA-PSS (2048 bits) server-digest SHA256";
const FAILED: [(&str, &str); 5] = [
    ("5.1.1", "550 5.1.1 <USER@DOMAIN>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("5.2.2", "552 5.2.2 The email account that you tried to reach is over quota"),
    ("5.7.1", "550 5.7.1 Message rejected due to content restrictions"),
    (
        "5.7.26",
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated. 550 5.7.26 gsmtp",
    ),
    (
        "5.4.1",
        "550 5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT006.eop-EUR03.prod.protection.outlook.com]",
    ),
];
const DEFERRED: [(&str, &str); 4] = [
    ("4.7.1", "451 4.7.1 Greylisting in action, please come back in 00:05:00"),
    (
        "4.7.650",
        "421 4.7.650 The mail server [192.0.2.10] has been temporarily rate limited due to IP reputation",
    ),
    (
        "4.2.1",
        "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery",
    ),
    ("4.3.2", "421 4.3.2 Service not available, closing transmission channel"),
];

/// One log in the making.
struct Log<W> {
    out: W,
    random: Random,
    lines: u64,
    /// Hundredths of a second since the month began.
    time: u64,
}

/// Writes at least so many lines, and says how many.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(out: impl Write, lines: u64) -> io::Result<u64> {
    let mut log = Log { out, random: Random(0x9e37_79b9_7f4a_7c15), lines: 0, time: 0 };
    while log.lines < lines {
        log.time += log.random.below(40);
        match log.random.below(20) {
            0..=2 => log.refusal()?,
            3 => log.scan()?,
            _ => log.message()?,
        }
    }
    log.out.flush()?;
    Ok(log.lines)
}

impl<W: Write> Log<W> {
    fn line(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        let seconds = self.time / 100;
        let (day, hour, minute, second) =
            (1 + seconds / 86_400 % 28, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        self.lines += 1;
        writeln!(self.out, "Nov {day:>2} {hour:02}:{minute:02}:{second:02} mx1 postfix/{text}")
    }

    fn client(&mut self) -> String {
        format!(
            "client{}.example[198.51.{}.{}]",
            self.random.below(5000),
            self.random.below(256),
            self.random.below(256)
        )
    }

    /// A message that comes in and goes out again.
    fn message(&mut self) -> io::Result<()> {
        let (client, pid) = (self.client(), 1000 + self.random.below(60));
        let id = format!("{:010X}", self.random.next() >> 24);
        self.line(format_args!("smtpd[{pid}]: connect from {client}"))?;
        let tls = self.random.below(20) > 0;
        if tls {
            self.line(format_args!(
                "smtpd[{pid}]: Anonymous TLS connection established from {client}: {CIPHER}"
            ))?;
        }
        self.line(format_args!("smtpd[{pid}]: {id}: client={client}"))?;
        let number = self.random.next();
        self.line(format_args!("cleanup[{}]: {id}: message-id=<{number:x}@client.example>", pid + 500))?;
        let (sender, size) = (self.random.below(700), 900 + self.random.below(90_000));
        self.line(format_args!(
            "qmgr[900]: {id}: from=<s{sender}@own.example>, size={size}, nrcpt=1 (queue active)"
        ))?;
        let (ehlo, starttls) = if tls { (2, " starttls=1") } else { (1, "") };
        self.line(format_args!(
            "smtpd[{pid}]: disconnect from {client} ehlo={ehlo}{starttls} mail=1 rcpt=1 data=1 quit=1 commands=6"
        ))?;
        if self.random.below(8) == 0 {
            let user = self.random.below(300);
            self.line(format_args!(
                "lmtp[{}]: {id}: to=<u{user}@own.example>, relay=mx1[private/dovecot-lmtp], delay=0.1, \
                 delays=0.05/0/0/0.05, dsn=2.0.0, status=sent (250 2.0.0 <u{user}@own.example> {number:x} Saved)",
                pid + 700
            ))?;
            return self.line(format_args!("qmgr[900]: {id}: removed"));
        }
        self.time += 20 + self.random.below(300);
        self.delivery(&id)
    }

    fn delivery(&mut self, id: &str) -> io::Result<()> {
        let pid = 2000 + self.random.below(120);
        let domain = match self.random.below(10) {
            0..=5 => self.random.one_of(&BIG).to_owned(),
            _ => format!("d{}.example", self.random.below(4000)),
        };
        let relay = format!("mx.{domain}[203.0.113.{}]:25", self.random.below(256));
        let user = format!("u{}", self.random.below(20_000));
        let times = format!("delay={}.{}, delays=0.1/0/0.5/0.6", self.random.below(4), self.random.below(10));
        let to = format!("{id}: to=<{user}@{domain}>");
        if self.random.below(40) == 0 {
            let at = relay.clone();
            self.line(format_args!("smtp[{pid}]: connect to {at}: Connection timed out"))?;
            return self.line(format_args!(
                "smtp[{pid}]: {to}, relay=none, {times}, dsn=4.4.1, status=deferred (connect to {at}: Connection timed out)"
            ));
        }
        if self.random.below(25) > 0 {
            let trust = self.random.one_of(&["Untrusted", "Trusted", "Verified"]);
            self.line(format_args!("smtp[{pid}]: {trust} TLS connection established to {relay}: {CIPHER}"))?;
        }
        let host = relay.trim_end_matches(":25");
        let reply = |text: &str| text.replace("USER", &user).replace("DOMAIN", &domain);
        let pick = usize::try_from(self.random.below(90)).unwrap_or(0);
        if let Some((dsn, text)) = FAILED.get(pick) {
            let text = reply(text);
            self.line(format_args!(
                "smtp[{pid}]: {to}, relay={relay}, {times}, dsn={dsn}, status=bounced (host {host} said: {text} (in reply \
                 to RCPT TO command))"
            ))?;
            self.line(format_args!("bounce[{}]: {id}: sender non-delivery notification: {id}B", pid + 900))?;
        } else if let Some((dsn, text)) = pick.checked_sub(FAILED.len()).and_then(|at| DEFERRED.get(at)) {
            let text = reply(text);
            return self.line(format_args!(
                "smtp[{pid}]: {to}, relay={relay}, {times}, dsn={dsn}, status=deferred (host {host} said: {text} (in \
                 reply to RCPT TO command))"
            ));
        } else {
            let number = self.random.next() >> 20;
            self.line(format_args!(
                "smtp[{pid}]: {to}, relay={relay}, {times}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {number:X})"
            ))?;
        }
        self.line(format_args!("qmgr[900]: {id}: removed"))
    }

    /// A client that is turned away.
    fn refusal(&mut self) -> io::Result<()> {
        let (client, pid) = (self.client(), 1000 + self.random.below(60));
        let address = client.split(['[', ']']).nth(1).unwrap_or_default().to_owned();
        self.line(format_args!("smtpd[{pid}]: connect from {client}"))?;
        let why = match self.random.below(3) {
            0 => format!(
                "554 5.7.1 Service unavailable; Client host [{address}] blocked using zen.spamhaus.org; \
                 https://www.spamhaus.org/query/ip/{address}"
            ),
            1 => "550 5.1.1 <nobody@own.example>: Recipient address rejected: User unknown in virtual mailbox table".into(),
            _ => format!("450 4.7.25 Client host rejected: cannot find your hostname, [{address}]"),
        };
        self.line(format_args!(
            "smtpd[{pid}]: NOQUEUE: reject: RCPT from {client}: {why}; from=<a@spam.example> to=<nobody@own.example> \
             proto=ESMTP helo=<spam.example>"
        ))?;
        self.line(format_args!(
            "smtpd[{pid}]: disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"
        ))
    }

    /// A client that only looks, and what Postfix counts.
    fn scan(&mut self) -> io::Result<()> {
        let (client, pid) = (self.client(), 1000 + self.random.below(60));
        self.line(format_args!("smtpd[{pid}]: connect from {client}"))?;
        self.line(format_args!("smtpd[{pid}]: lost connection after EHLO from {client}"))?;
        self.line(format_args!("smtpd[{pid}]: disconnect from {client} ehlo=1 commands=1"))?;
        self.line(format_args!(
            "anvil[800]: statistics: max connection rate 2/60s for (smtp:198.51.100.1) at Nov  1 00:00:00"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_the_same_each_time_and_of_all_kinds() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let lines = write(&mut first, 5000).unwrap();
        write(&mut second, 5000).unwrap();
        assert_eq!(first, second);
        let text = String::from_utf8(first).unwrap();
        assert_eq!(text.lines().count() as u64, lines);
        for word in
            ["status=sent", "status=bounced", "status=deferred", "reject: RCPT", "removed", "established to"]
        {
            assert!(text.contains(word), "{word}");
        }
    }
}
