//! What mail is sent to: the lab, real servers that refuse, and servers with a script.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
};

use tokio::runtime::Runtime;
use waxseal_lab::{Lab, LabOptions, Vacant};
use waxseal_peers::{
    Exim, Postfix, Scripted, Unbound, exim, namespace, postfix,
    scripted::{Act, Script},
    server::Folder,
};

const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
const LAB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54));

/// The lab's own domains that are sent to.
const LABS: &[&str] = &[
    "bogus",
    "broken-tlsa",
    "closed-port",
    "dane-servfail",
    "dangling-mx",
    "ehlo-421",
    "ehlo-drop",
    "expired",
    "greeting-421",
    "greeting-554",
    "healthy",
    "missing-intermediate",
    "null-mx",
    "plaintext",
    "self-signed",
    "servfail",
    "silent",
    "ssh",
    "starttls-454",
    "starttls-stripped",
    "submission",
    "tls-alert",
    "tls-reset",
    "tls10-only",
    "wrong-name",
];

/// Listeners of a real Postfix, each at the MX of a domain of its own: the domain, the port
/// and the settings in `master.cf`.
const POSTFIX: &[(&str, u16, &str)] = &[
    ("unknown", 25, "-o relay_recipient_maps=inline:{known@unknown.lab.test=x}"),
    ("norelay", 25, ""),
    ("small", 25, "-o message_size_limit=2000"),
    ("sender-domain", 25, "-o smtpd_sender_restrictions=reject_unknown_sender_domain"),
    ("helo", 25, "-o smtpd_helo_required=yes -o smtpd_helo_restrictions=reject_non_fqdn_helo_hostname"),
    ("ptr", 25, "-o smtpd_client_restrictions=reject_unknown_client_hostname"),
    ("listed", 25, "-o { smtpd_client_restrictions = reject_rbl_client dnsbl.listed.lab.test }"),
    ("few", 25, "-o smtpd_recipient_limit=2 -o smtpd_recipient_overshoot_limit=1"),
    ("milter", 25, "-o smtpd_milters=inet:127.0.0.1:1"),
    ("content", 25, "-o cleanup_service_name=strict"),
    ("hops", 25, "-o cleanup_service_name=strict"),
    ("disk", 25, "-o queue_minfree=100000000000000"),
    ("ascii", 25, "-o smtputf8_enable=no"),
    ("must-tls", 25, "-o smtpd_tls_security_level=encrypt"),
    ("crowded", 25, "-o smtpd_client_connection_rate_limit=1"),
    (
        "grey",
        25,
        "-o { smtpd_recipient_restrictions = check_recipient_access inline:{{grey.lab.test = DEFER 4.2.0 Greylisted \
         for 300 seconds}} }",
    ),
    ("wrapped", 465, "-o smtpd_tls_wrappermode=yes"),
];

/// A cleanup that looks into messages and counts hops.
const STRICT: &str = "strict unix n - n - 0 cleanup -o hopcount_limit=3 \
     -o { header_checks = regexp:{{/^Subject:.*Pills/ REJECT Message content rejected, unsolicited advertisement}} }";

/// What a server says that keeps to a script; the words are those of real servers that
/// need more than a test has (Dovecot's quota, a scanner for spam and viruses).
const SCRIPTED: &[(&str, Script)] = &[
    (
        "full",
        Script {
            rcpt: Act::Say("452 4.2.2 Mailbox is full / Blocks limit exceeded / Inode limit exceeded"),
            ..SOUND
        },
    ),
    (
        "virus",
        Script {
            end_of_data: Act::Say("554 5.7.1 Virus (Eicar-Test-Signature) detected by ClamAV"),
            ..SOUND
        },
    ),
    (
        "spam",
        Script { end_of_data: Act::Say("550 5.7.1 Message rejected as spam by content filter"), ..SOUND },
    ),
    ("cut", Script { message: Act::Close, ..SOUND }),
    ("no-data", Script { data: Act::Say("502 5.5.1 Command not implemented"), ..SOUND }),
    ("busy", Script { rcpt: Act::SayAndClose("421 4.3.2 System shutting down, try again later"), ..SOUND }),
    ("mute", Script { greeting: Act::Silence, ..SOUND }),
    ("garbage", Script { greeting: Act::SayAndClose("HTTP/1.1 400 Bad Request"), ..SOUND }),
];

const SOUND: Script = Script {
    greeting: Act::Sound,
    ehlo: Act::Sound,
    auth: Act::Sound,
    mail: Act::Sound,
    rcpt: Act::Sound,
    data: Act::Sound,
    message: Act::Sound,
    end_of_data: Act::Sound,
};

/// Domains for which no server of a list above stands: `submit` has Exim at its submission
/// port, `away` names hosts that cannot be reached.
const OTHERS: &[&str] = &["submit", "quota", "away"];

/// Everything that mail is sent to, until it is dropped.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    /// The lab's root certificate.
    pub(crate) roots: PathBuf,
    _postfix: Postfix,
    _exim: Exim,
    _scripted: Vec<Scripted>,
    _resolver: Unbound,
    _runtime: Runtime,
    _folder: Folder,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = Folder::new("real-errors").unwrap();
        namespace::set_up(RESOLVER, folder.path()).unwrap();
        network();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let mut options = LabOptions::only(LABS.iter().copied());
        options.real_ports = Some(LAB);
        options.vacant = labels().map(vacant).collect();
        let lab = runtime.block_on(Lab::start(options)).unwrap();
        let resolver = Unbound::start(RESOLVER, lab.dns(), lab.trust_anchor()).unwrap();
        let roots = folder.path().join("roots.pem");
        fs::write(&roots, lab.ca_pem()).unwrap();
        let scripted =
            SCRIPTED.iter().map(|(label, script)| Scripted::start(at(&lab, label, 25), *script).unwrap());
        Self {
            _scripted: scripted.collect(),
            _postfix: receiving_postfix(&lab),
            _exim: submission_exim(&lab),
            lab,
            roots,
            _resolver: resolver,
            _runtime: runtime,
            _folder: folder,
        }
    }

    /// The MX of a domain at a port.
    pub(crate) fn at(&self, label: &str, port: u16) -> SocketAddr {
        at(&self.lab, label, port)
    }
}

/// A network beside loopback, for programs that look up no address where they see none;
/// and an address to which everything gets lost, as behind a firewall that drops it.
fn network() {
    for line in [
        "link add out type veth peer name in",
        "address add 203.0.113.1/32 dev out",
        "link set out up",
        "link set in up",
        "route add 192.0.2.1/32 dev lo",
    ] {
        let done = Command::new("ip").args(line.split(' ')).status().unwrap();
        assert!(done.success(), "ip {line}");
    }
}

fn at(lab: &Lab, label: &str, port: u16) -> SocketAddr {
    let host = format!("mx.{label}.lab.test");
    SocketAddr::new(lab.address(&host).unwrap_or_else(|| panic!("the lab has no {host}")), port)
}

/// Domains with servers that are not the lab's.
fn labels() -> impl Iterator<Item = &'static str> {
    let scripted = SCRIPTED.iter().map(|(label, _)| *label);
    POSTFIX.iter().map(|(label, ..)| *label).chain(scripted).chain(OTHERS.iter().copied())
}

fn vacant(label: &'static str) -> Vacant {
    let records: &[&str] = match label {
        "away" => &["lost A 192.0.2.1", "unroutable A 198.51.100.1"],
        "listed" => {
            // Every list has 127.0.0.2 on it, to be tried with.
            &[
                "9.9.9.127.dnsbl A 127.0.0.2",
                "9.9.9.127.dnsbl TXT \"Listed, see https://listed.lab.test/\"",
                "2.0.0.127.dnsbl A 127.0.0.2",
            ]
        }
        _ => &[],
    };
    Vacant { label, records: records.iter().map(|line| (*line).to_owned()).collect() }
}

fn receiving_postfix(lab: &Lab) -> Postfix {
    let mut services: Vec<String> = POSTFIX
        .iter()
        .map(|(label, port, more)| format!("{} inet n - n - - smtpd {more}", at(lab, label, *port)))
        .collect();
    services.push(STRICT.to_owned());
    let domains: Vec<String> =
        labels().filter(|label| *label != "norelay").map(|label| format!("{label}.lab.test")).collect();
    let settings = [
        "mynetworks = 10.0.0.0/8",
        "smtpd_relay_restrictions = reject_unauth_destination",
        "relay_transport = discard:",
        &format!("relay_domains = {}", domains.join(" ")),
    ];
    let settings = settings.map(str::to_owned).to_vec();
    Postfix::start(&postfix::Options { settings, services, ..Default::default() }).unwrap()
}

/// Submission: AUTH within TLS alone, and one account.
fn submission_exim(lab: &Lab) -> Exim {
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    let options = exim::Options {
        settings: lines("acl_smtp_rcpt = rcpt\nauth_advertise_hosts = ${if def:tls_in_cipher {*}}"),
        acl: lines("rcpt:\n  accept authenticated = *\n  deny message = relay not permitted"),
        authenticators: lines(
            "plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_set_id = $auth2\n  \
             server_prompts = :\n  server_condition = ${if eq{$auth3}{right}}",
        ),
        ..Default::default()
    };
    Exim::start_at(at(lab, "submit", 587), &options).unwrap()
}
