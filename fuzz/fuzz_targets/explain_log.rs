//! Logs of mail servers, plain and packed, cut anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_explain::logs::{Filter, LogRun, change, policy};

fuzz_target!(|bytes: &[u8]| {
    let mut run = LogRun::new(Filter::default());
    let (first, second) = bytes.split_at(bytes.len() / 2);
    run.file("1", first, 1_764_547_200, 3600);
    run.file("2", second, 1_764_547_200, 7200);
    let summary = run.finish();
    // What is listed is what was counted.
    let listed: u64 = summary.domains.iter().map(|domain| domain.delivered.total()).sum();
    assert_eq!(listed + summary.others.delivered.total(), summary.delivered.total());
    let change = change::compare(&summary, &summary);
    assert!(change.new_causes.is_empty() && change.domains.is_empty());
    for line in policy::policy_maps(&summary, 1).lines().filter(|line| !line.starts_with('#')) {
        assert_eq!(line.split_whitespace().count(), 2, "{line}");
    }
    let text = waxseal_render::logs::text(
        &summary,
        &waxseal_render::logs::LogOptions { style: waxseal_render::Style::plain(), top: 0 },
    );
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    let _ = waxseal_render::logs::svg(&summary);
});
