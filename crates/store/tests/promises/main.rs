//! What every backend of the queue has to hold, and what is peculiar to the one in a folder.
//!
//! A promise is a function over a [`backend::Backend`]; the table below runs each of them on
//! each backend. [`model`] compares long random histories with a queue in memory. [`faults`]
//! are of the disk and of the process: kills, full and failing disks, damaged files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests may do what tests may"
)]

mod backend;
mod changing;
mod faults;
mod forgetting;
mod memory;
mod model;
mod process;
mod reading;
mod sample;
mod settling;
mod taking;

macro_rules! backends {
    ($($backend:ident: $make:expr;)*) => { backends!(@ [$($backend: $make;)*]
        taking::what_is_taken_is_there_after_a_restart
        taking::bodies_of_every_size_come_back_as_they_were
        taking::ids_grow_and_never_come_again
        taking::a_hundred_at_once
        taking::a_message_without_recipients_is_refused_and_harms_nobody
        taking::below_the_mark_nothing_is_taken_and_settling_goes_on
        taking::a_full_store_takes_nothing_by_halves
        settling::a_final_state_stays
        settling::notices_come_with_what_they_tell_of_or_not_at_all
        settling::a_deferred_recipient_remembers_its_last_attempt
        settling::the_body_goes_with_the_last_recipient
        settling::a_settlement_of_what_is_not_there_changes_nothing
        settling::a_recipient_that_was_held_meanwhile_stays_held
        changing::changes_apply_to_what_the_selector_finds
        changing::a_dry_run_says_the_same_and_changes_nothing
        changing::cancelling_the_last_recipient_ends_the_message
        reading::selectors_narrow_by_all_that_they_name
        reading::waiting_recipients_come_page_by_page
        forgetting::old_messages_go_and_the_newest_beyond_a_number_stay
        model::histories_agree_with_a_queue_in_memory
    ); };
    (@ [$($backend:ident: $make:expr;)*] $($area:ident::$promise:ident)*) => {
        backends!(@@ [$($backend: $make;)*] [$($area::$promise)*]);
    };
    (@@ [] $promises:tt) => {};
    (@@ [$backend:ident: $make:expr; $($rest:tt)*] [$($area:ident::$promise:ident)*]) => {
        mod $backend {
            $(#[test] fn $promise() { crate::backend::run(crate::$area::$promise(&$make)); })*
        }
        backends!(@@ [$($rest)*] [$($area::$promise)*]);
    };
}

backends! {
    sqlite: crate::backend::Sqlite::rows();
    sqlite_with_every_body_in_a_file: crate::backend::Sqlite::files();
}
