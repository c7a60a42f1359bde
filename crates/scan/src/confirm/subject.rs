//! What a diagnosis is about: domains, servers and addresses, as the text names them, or
//! the person who asks.

use std::net::{IpAddr, SocketAddr};

use waxseal_model::{Diagnosis, MailEvent};
use waxseal_wire::target::name_to_ascii;

use super::{
    blocklist,
    causes::{self, Plan, Test},
};
use crate::ports;

/// More of a text than this is not searched for names and addresses, in bytes.
const SEARCHED: usize = 16 * 1024;

/// What the person says beside the text. It goes before what the text says.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The recipient's domain, in A-labels.
    pub to: Option<String>,
    /// The sender's domain, in A-labels.
    pub from: Option<String>,
    /// The server in question.
    pub server: Option<Server>,
    /// The address that sends.
    pub address: Option<IpAddr>,
    /// DKIM selectors of the sender's domain.
    pub selectors: Vec<String>,
    /// The blocklist in question, as its zone: `zen.spamhaus.org`.
    pub blocklist: Option<String>,
    /// The name that the sender gives in EHLO.
    pub helo: Option<String>,
    /// The size of the message, in octets.
    pub size: Option<u64>,
    /// The recipient may be put to the server.
    pub recipient_test: Option<RecipientTest>,
    /// Domains whose servers take mail from everywhere, to tell a port that is blocked here
    /// from a server that is down; at most two are used.
    pub control: Vec<String>,
    /// Seconds since 1970-01-01 UTC.
    pub now: i64,
}

/// How a recipient is put to a server.
#[derive(Debug, Clone, Default)]
pub struct RecipientTest {
    /// The sender to give; the null sender otherwise.
    pub mail_from: Option<String>,
}

/// A server by name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, in A-labels.
    pub host: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
}

impl Server {
    /// The port, 25 where none was named.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(ports::SMTP)
    }

    /// `mx.example.com:25`.
    pub fn label(&self) -> String {
        match (&self.host, self.address) {
            (Some(host), _) => format!("{host}:{}", self.port()),
            (None, Some(address)) => SocketAddr::new(address, self.port()).to_string(),
            (None, None) => format!("port {}", self.port()),
        }
    }
}

/// Something that a test needs and the text does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// A server, or the domain whose servers they are.
    Place,
    /// The recipient's address, with its domain.
    Recipient,
    /// The sender's domain.
    SenderDomain,
    /// The address that sends.
    ClientAddress,
    /// The name given in EHLO.
    Helo,
    /// The blocklist.
    Blocklist,
}

impl Need {
    /// What to ask a person.
    pub fn question(self) -> &'static str {
        match self {
            Self::Place => "Which domain was the mail for, or which server (host:port) refused it?",
            Self::Recipient => "Which address was the mail for?",
            Self::SenderDomain => "Which domain was it sent from?",
            Self::ClientAddress => "Which IP address did it come from?",
            Self::Helo => "Which name does the sending server give in EHLO?",
            Self::Blocklist => "Which blocklist is it (zone, such as zen.spamhaus.org)?",
        }
    }

    /// The option that says it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Place => "--to DOMAIN or --server HOST:PORT",
            Self::Recipient => "--to ADDRESS",
            Self::SenderDomain => "--from DOMAIN",
            Self::ClientAddress => "--address IP",
            Self::Helo => "--helo NAME",
            Self::Blocklist => "--blocklist ZONE",
        }
    }

    /// What it is, for sentences.
    pub fn what(self) -> &'static str {
        match self {
            Self::Place => "the server or the recipient's domain",
            Self::Recipient => "the recipient",
            Self::SenderDomain => "the sender's domain",
            Self::ClientAddress => "the address that sent",
            Self::Helo => "the name that was given in EHLO",
            Self::Blocklist => "the blocklist",
        }
    }
}

/// All that is known of what a diagnosis is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    pub(super) recipient: Option<String>,
    pub(super) recipient_domain: Option<String>,
    pub(super) sender_domain: Option<String>,
    /// The domain of the envelope sender, where the text says it.
    pub(super) envelope_domain: Option<String>,
    pub(super) server: Option<Server>,
    /// The person named the server, so it is the one, whatever the domain's MX are.
    pub(super) server_given: bool,
    pub(super) client_address: Option<IpAddr>,
    pub(super) helo: Option<String>,
    pub(super) blocklist: Option<String>,
    pub(super) selectors: Vec<(String, Option<String>)>,
    /// The name that the text says was not found.
    pub(super) missing_name: Option<String>,
    /// The text, and what was said before it on the same connection.
    pub(super) words: String,
}

impl Subject {
    pub(super) fn of(event: &MailEvent, given: &Given) -> Self {
        let words = searched(event);
        let recipient = given_recipient(given).or_else(|| event.recipient.clone());
        let envelope_domain = event.sender.as_deref().and_then(domain_of);
        let from_text = event.server();
        let missing_name = missing_name(&words);
        Self {
            recipient_domain: given
                .to
                .clone()
                .map(|t| domain_of(&t).unwrap_or(t))
                .or_else(|| event.recipient.as_deref().and_then(domain_of)),
            recipient,
            sender_domain: given
                .from
                .clone()
                .map(|f| domain_of(&f).unwrap_or(f))
                .or_else(|| claimed_domain(&words))
                .or_else(|| envelope_domain.clone()),
            envelope_domain,
            server_given: given.server.is_some(),
            server: given.server.clone().or(from_text.filter(|_| given.to.is_none())),
            client_address: given
                .address
                .or(event.client_address)
                .or_else(|| address_in(&words, event.remote_address)),
            helo: given.helo.clone().or_else(|| helo_in(&words)),
            blocklist: given.blocklist.clone().or_else(|| blocklist::named_in(&words)),
            selectors: selectors(&words, &given.selectors),
            missing_name,
            words,
        }
    }

    /// True if the need is met.
    fn has(&self, need: Need) -> bool {
        match need {
            Need::Place => self.server.is_some() || self.recipient_domain.is_some(),
            Need::Recipient => self.recipient.as_deref().is_some_and(|r| r.contains('@')),
            Need::SenderDomain => self.sender_domain.is_some(),
            Need::ClientAddress => self.client_address.is_some(),
            Need::Helo => self.helo.is_some(),
            Need::Blocklist => self.blocklist.is_some(),
        }
    }
}

/// What the test of a diagnosis needs and nobody said, in the order in which to ask.
pub fn missing(diagnosis: &Diagnosis, given: &Given) -> Vec<Need> {
    let (cause, stage) = (&diagnosis.cause, diagnosis.event.stage);
    let plan = causes::plan_for(cause, &diagnosis.family, stage, given.blocklist.is_some());
    let Plan::Test(test) = plan else { return Vec::new() };
    let subject = Subject::of(&diagnosis.event, given);
    let needs: &[Need] = match test {
        Test::Dns | Test::Network if subject.missing_name.is_some() => &[],
        Test::Recipient if given.recipient_test.is_none() => &[],
        Test::Recipient => &[Need::Recipient],
        Test::Spf | Test::Dmarc => &[Need::SenderDomain, Need::ClientAddress],
        Test::Dkim | Test::SenderDomain => &[Need::SenderDomain],
        Test::Ptr => &[Need::ClientAddress],
        Test::Helo => &[Need::Helo],
        Test::Blocklist if blocklist::is_about_domain(&diagnosis.cause) => {
            &[Need::SenderDomain, Need::Blocklist]
        }
        Test::Blocklist => &[Need::ClientAddress, Need::Blocklist],
        _ => &[Need::Place],
    };
    needs.iter().copied().filter(|need| !subject.has(*need)).collect()
}

/// The server that an event names.
trait NamesServer {
    fn server(&self) -> Option<Server>;
}

impl NamesServer for MailEvent {
    fn server(&self) -> Option<Server> {
        let host = self.remote_host.as_deref().and_then(host_name);
        let found = host.is_some() || self.remote_address.is_some();
        found.then_some(Server { host, address: self.remote_address, port: self.remote_port })
    }
}

/// The words in which names and addresses are looked for.
fn searched(event: &MailEvent) -> String {
    let mut words = event.text.clone();
    for line in &event.context {
        words.push('\n');
        words.push_str(line);
    }
    let mut end = words.len().min(SEARCHED);
    while !words.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    words.truncate(end);
    words
}

fn given_recipient(given: &Given) -> Option<String> {
    given.to.clone().filter(|to| to.contains('@'))
}

/// The domain of a mail address, in A-labels.
pub(super) fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.trim_matches(['<', '>', ' ']).rsplit_once('@')?;
    host_name(domain)
}

/// A host name of at least two labels, in A-labels; none for an address.
fn host_name(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    let is_name = text.contains('.') && text.parse::<IpAddr>().is_err() && !text.starts_with('[');
    let name = is_name.then(|| name_to_ascii(text).ok()).flatten()?;
    let ending = name.rsplit('.').next()?;
    ending.bytes().any(|b| b.is_ascii_alphabetic()).then_some(name)
}

/// The words of a text, without what stands around them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "[]()<>{},;'\"=/?&!|*".contains(c))
        .map(|word| word.trim_matches([':', '.']))
        .filter(|word| !word.is_empty())
}

/// The first address in a text that is not `other`.
fn address_in(text: &str, other: Option<IpAddr>) -> Option<IpAddr> {
    let read = |word: &str| {
        let bare = word
            .get(..5)
            .filter(|p| p.eq_ignore_ascii_case("ipv6:"))
            .map_or(word, |p| word.get(p.len()..).unwrap_or_default());
        let ip = bare.parse::<IpAddr>().or_else(|_| bare.parse::<SocketAddr>().map(|s| s.ip())).ok()?;
        (!ip.is_unspecified()).then_some(ip)
    };
    words(text).filter_map(read).find(|ip| Some(*ip) != other)
}

/// What stands behind one of the marks, as far as a word goes.
fn behind<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    marks.iter().find_map(|mark| {
        let at = lower.find(mark)?.saturating_add(mark.len());
        words(text.get(at..)?).next()
    })
}

/// The domain whose policy a refusal quotes: `domain of a@example.com does not designate`,
/// `Unauthenticated email from example.com`.
fn claimed_domain(text: &str) -> Option<String> {
    // `<a@example.com>: Sender address rejected: Domain not found`
    let refused = text
        .split_once(": Sender address rejected")
        .and_then(|(before, _)| before.rsplit(['<', ' ', '>']).find(|part| !part.is_empty()));
    if let Some(domain) = refused.and_then(|address| domain_of(address).or_else(|| host_name(address))) {
        return Some(domain);
    }
    let marks = [
        "unauthenticated email from ",
        "unauthenticated mail from ",
        "the domain of ",
        "domain of ",
        "header.from=",
        "policy of ",
        "policy for ",
        "smtp.mailfrom=",
        "envelope-from ",
        "envelope-from=",
        "from domain ",
    ];
    marks.iter().find_map(|mark| {
        let word = behind(text, &[mark])?;
        domain_of(word).or_else(|| host_name(word))
    })
}

/// The name that a refusal says was given in EHLO: `<name>: Helo command rejected`.
fn helo_in(text: &str) -> Option<String> {
    if let Some((before, _)) = text.split_once(": Helo command rejected") {
        let name = before.rsplit(['<', ' ']).find(|part| !part.is_empty())?;
        return Some(name.trim_matches(['<', '>']).to_owned());
    }
    behind(text, &["helo=", "ehlo=", "helo name ", "ehlo name ", "helo/ehlo ", "invalid helo "])
        .map(str::to_owned)
}

/// The name that a text says could not be found.
fn missing_name(text: &str) -> Option<String> {
    let marks = [
        "name service error for name=",
        "name service error for ",
        "enotfound ",
        "host not found: ",
        "getaddrinfo for ",
        "lookup ",
        "unrouteable address: ",
        "domain name not found: ",
        "could not resolve host: ",
        "unknown mail server ",
    ];
    behind(text, &marks).and_then(|word| host_name(word.trim_start_matches("name:")))
}

/// Selectors: those that were given, and those in `s=… d=…` and `…._domainkey.…`, these
/// with their domain.
fn selectors(text: &str, given: &[String]) -> Vec<(String, Option<String>)> {
    const MARK: &str = "._domainkey.";
    let mut found: Vec<(String, Option<String>)> = given.iter().map(|s| (s.clone(), None)).collect();
    for word in words(text) {
        let lower = word.to_ascii_lowercase();
        if let Some((selector, domain)) = lower.split_once(MARK)
            && let (Ok(selector), Some(domain)) = (name_to_ascii(selector), host_name(domain))
        {
            found.push((selector, Some(domain)));
        }
    }
    let tag = |tags: &[&str]| behind(text, tags).map(str::to_owned);
    if let (Some(selector), Some(domain)) = (
        tag(&[" s=", "header.s=", "selector "]).and_then(|s| name_to_ascii(&s).ok()),
        tag(&[" d=", "header.d=", "header.i=@"]).and_then(|d| host_name(&d)),
    ) {
        found.push((selector, Some(domain)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> MailEvent {
        MailEvent { text: text.into(), ..MailEvent::default() }
    }

    fn subject(text: &str) -> Subject {
        Subject::of(&event(text), &Given::default())
    }

    #[test]
    fn addresses_are_found_in_the_forms_that_servers_write() {
        for (text, expected) in [
            ("550 Client host [192.0.2.7] blocked", "192.0.2.7"),
            ("554 5.7.1 blocked, see https://bl.example/query/ip/192.0.2.7", "192.0.2.7"),
            ("550 https://bl.example/?ip=2001:db8::7.", "2001:db8::7"),
            ("550 IP=192.0.2.7 is listed", "192.0.2.7"),
            ("550 from [IPv6:2001:db8::7]: no PTR", "2001:db8::7"),
            ("421 192.0.2.7:41234 too many", "192.0.2.7"),
        ] {
            assert_eq!(subject(text).client_address, Some(expected.parse().unwrap()), "{text}");
        }
        for none in ["550 5.7.1 no", "4.7.29 at 12:34:56", "host :: down", "a.b.c.d", ""] {
            assert_eq!(subject(none).client_address, None, "{none}");
        }
        let event = MailEvent {
            text: "host mx[192.0.2.1] said: 554 [192.0.2.7] listed".into(),
            remote_address: "192.0.2.1".parse().ok(),
            ..MailEvent::default()
        };
        let found = Subject::of(&event, &Given::default());
        assert_eq!(found.client_address, "192.0.2.7".parse().ok());
    }

    #[test]
    fn names_are_found_where_the_words_before_say_what_they_are() {
        let text = "550-5.7.26 Unauthenticated email from example.com is not accepted";
        assert_eq!(subject(text).sender_domain.as_deref(), Some("example.com"));
        let text = "550 SPF: domain of a@example.org does not designate 192.0.2.7 as permitted sender";
        assert_eq!(subject(text).sender_domain.as_deref(), Some("example.org"));
        let text = "504 5.5.2 <desktop>: Helo command rejected: need fully-qualified hostname";
        assert_eq!(subject(text).helo.as_deref(), Some("desktop"));
        let text =
            "Host or domain name not found. Name service error for name=gone.example type=MX: Host not found";
        assert_eq!(subject(text).missing_name.as_deref(), Some("gone.example"));
        let text = "dkim=fail (no key for s1._domainkey.example.com)";
        assert_eq!(subject(text).selectors, [("s1".to_owned(), Some("example.com".to_owned()))]);
        let text = "450 4.1.8 <app@nowhere.example>: Sender address rejected: Domain not found";
        assert_eq!(subject(text).sender_domain.as_deref(), Some("nowhere.example"));
        assert_eq!(subject("550 no").sender_domain, None);
    }

    #[test]
    fn what_a_person_says_goes_before_what_the_text_says() {
        let event = MailEvent {
            recipient: Some("bob@example.org".into()),
            sender: Some("alice@example.com".into()),
            remote_host: Some("mx.example.org".into()),
            client_address: "192.0.2.9".parse().ok(),
            ..MailEvent::default()
        };
        let own = Subject::of(&event, &Given::default());
        assert_eq!(own.recipient_domain.as_deref(), Some("example.org"));
        assert_eq!(own.sender_domain.as_deref(), Some("example.com"));
        assert_eq!(own.server.unwrap().label(), "mx.example.org:25");
        let given =
            Given { to: Some("example.net".into()), address: "192.0.2.10".parse().ok(), ..Given::default() };
        let asked = Subject::of(&event, &given);
        assert_eq!(asked.recipient_domain.as_deref(), Some("example.net"));
        assert_eq!(asked.server, None, "the text's server is not that of the domain that was named");
        assert_eq!(asked.client_address, "192.0.2.10".parse().ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}", more in ".{0,100}") {
            let event = MailEvent { context: vec![more.clone()], sender: Some(more), ..event(&text) };
            let _ = Subject::of(&event, &Given::default());
        }
    }
}
