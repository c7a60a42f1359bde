use super::*;

const LEAST: &str = "[server]\nhostname = \"relay.example.com\"\nspool = \"/tmp/spool\"\n";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse("relay.toml", text).map_err(|e| e.to_string())
}

#[test]
fn the_least_is_a_name_and_a_folder_and_relays_for_nobody_but_this_machine() {
    let config = parse(LEAST).unwrap();
    let allowed = |a: &str| config.access.networks.iter().any(|n| n.contains(a.parse().unwrap()));
    assert!(allowed("127.0.0.1") && allowed("::1") && !allowed("192.0.2.1"));
    assert!(config.access.recipients.is_empty());
    assert_eq!(config.delivery.retry, sections::Retry::Preset(sections::Preset::Ess));
    assert_eq!(config.server.control_socket(), std::path::Path::new("/tmp/spool/control.sock"));
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (added, place, word) in [
        ("[limits]\nmessage_size = \"5T\"\n", "relay.toml:5:16: ", "256K"),
        ("[limits]\nmesage_size = \"5M\"\n", "relay.toml:5:1: ", "unknown field `mesage_size`"),
        ("[nonsense]\n", "relay.toml:4:2: ", "unknown field `nonsense`"),
        ("[delivery]\nretry = \"sometimes\"\n", "relay.toml:5:9: ", "\"ess\""),
        ("[delivery]\nexpire = \"5 days\"\n", "relay.toml:5:10: ", "7d"),
        ("[delivery]\nretry = []\n", "relay.toml:4:1: ", "never try again"),
        ("[[listen]]\naddress = \"25\"\n", "relay.toml:5:11: ", "socket address"),
        (
            "[[listen]]\naddress = \"0.0.0.0:465\"\nkind = \"submissions\"\n",
            "relay.toml:4:1: ",
            "certificate",
        ),
        ("[tls]\nkey = \"/k\"\n", "relay.toml:4:1: ", "key without certificate"),
        ("[access]\nnetworks = [\"10.0.0.1/8\"]\n", "relay.toml:5:12: ", "bits set"),
        (
            "[[policy.rule]]\ndomain = \"a.example\"\ntls = \"require\"\n[[policy.rule]] # second\ndomain = \"b.example\"\ntls = \"fingerprint\"\n",
            "relay.toml:7:1: ",
            "sha256:",
        ),
        ("[[route]]\ndomain = \"*\"\nnext_hop = \"10.0.0.5\"\n", "relay.toml:6:12: ", "[10.0.0.5]:25"),
        ("[[policy.rule]]\ndomain = \"x y\"\ntls = \"verify\"\n", "relay.toml:5:10: ", "x y"),
        (
            "[tlsrpt]\ncontact = \"a\"\norganisation = \"o\"\nfrom = \"nobody\"\n",
            "relay.toml:4:1: ",
            "address",
        ),
        ("[log\n", "relay.toml:4:", ""),
    ] {
        let error = parse(&format!("{LEAST}{added}")).unwrap_err();
        assert!(error.starts_with(place) && error.contains(word), "{added}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let error = parse("[server]\nhostname = \"a.example\"\n").unwrap_err();
    assert!(error.contains("spool"), "{error}");
    let error = parse("").unwrap_err();
    assert!(error.contains("server"), "{error}");
}

#[test]
fn a_whole_file_is_understood() {
    let text = r#"
        [server]
        hostname = "relay.example.com"
        spool = "/var/lib/waxseal"
        memory = "128M"
        [[listen]]
        address = "0.0.0.0:25"
        [[listen]]
        address = "[::]:465"
        kind = "submissions"
        require_tls = true
        [tls]
        certificate = "/etc/waxseal/fullchain.pem"
        key = "/etc/waxseal/key.pem"
        [access]
        networks = ["127.0.0.0/8", "10.0.0.0/8", "::1"]
        passwords = "/etc/waxseal/passwords"
        [policy]
        default = "opportunistic"
        [[policy.rule]]
        domain = "*.partner.example"
        sender = "@billing.example"
        tls = "verify"
        names = ["mail.partner.example"]
        reason = "contract 17"
        [[route]]
        domain = "internal.example"
        next_hop = "[10.0.0.5]:2525"
        [delivery]
        retry = ["5m", "15m", "1h"]
        watch = ["60s", "5m"]
        [tlsrpt]
        contact = "postmaster@example.com"
        organisation = "Example"
        from = "tlsrpt@example.com"
        [metrics]
        listen = "127.0.0.1:9925"
    "#;
    let config = parse(text).unwrap();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.policy.rule.len(), 1);
    assert!(config.policy.honour_tls_required_no.0);
    assert!(config.tlsrpt.unwrap().send);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = Config::parse("f", &text);
        let _ = Config::parse("f", &format!("{LEAST}{text}"));
    }
}
