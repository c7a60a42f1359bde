//! A disk that fills up, one that fails to flush, a queue that is damaged.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, thread, time::Duration};

use waxseal_peers::{Sink, Source, server::Folder, source::Load};

use crate::house::{House, any};

const LINES: &str = "[limits]\nfree_space = \"6M\"\n[delivery]\nretry = [\"1s\"]\n";

/// How often it is killed in the middle of the trouble.
const KILLS: u32 = 5;

/// A file system of its own for the queue; unmounted when dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size},mode=0755"), "tmpfs"]).arg(at);
        match command.output() {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => None,
        }
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn load(house: &House, size: usize) -> Source {
    Source::start(&Load {
        server: house.address(),
        sessions: 4,
        size,
        domains: vec!["a.test".into()],
        count: 0,
    })
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let folder = Folder::new("small").unwrap();
    let at = folder.path().join("disk");
    let Some(small) = Small::mount(&at, "24m") else {
        eprintln!("SKIPPED: a full disk: a file system can not be mounted here (needs root)");
        return;
    };
    // Nobody listens at first: the queue fills up.
    let sink_address = crate::house::free();
    let mut house = House::at("full", Some(&at.join("queue")), &House::to(sink_address, LINES));
    house.start();
    let source = load(&house, 20_000);
    house.until("the disk does not fill up", || house.events().contains("452 4.3.1"));
    thread::sleep(Duration::from_secs(1));
    let sent = source.stop().acknowledged;
    assert!(!sent.is_empty());
    // Killed while it is full, over and over, it comes up and delivers what it had promised.
    for _ in 0..KILLS {
        house.kill();
        house.start();
    }
    let sink = Sink::start(sink_address, None).unwrap();
    house.until("acknowledged messages are missing", || {
        let numbers = sink.numbers();
        sent.iter().all(|n| numbers.contains_key(n))
    });
    house.until("the queue is not empty", || house.queue(&[]).is_empty());
    // And takes mail again.
    let more = load(&house, 2_000);
    house.until("it takes no more mail", || more.acknowledged() > 10);
    more.stop();
    house.stop();
    drop(small);
}

const FAILING: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
#include <stdlib.h>
/* Every flush fails while the file $FLUSH_FAILS exists. */
static int fails(void) {
    const char *name = getenv("FLUSH_FAILS");
    return name && access(name, F_OK) == 0;
}
int fsync(int f) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(f);
}
int fdatasync(int f) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(f);
}
"#;

/// Flushes fail for a while: nothing is taken then, and nothing afterwards either.
fn refuses_while_flushes_fail(house: &House, source: &Source, switch: &Path) {
    fs::write(switch, "").unwrap();
    house.until("it does not notice", || {
        let status = house.command(&["status"]);
        String::from_utf8_lossy(&status.stdout).contains("No message is accepted")
    });
    // Those under way at that moment have their answer by now; after it none is taken.
    thread::sleep(Duration::from_millis(500));
    let before = source.acknowledged();
    thread::sleep(Duration::from_millis(500));
    assert_eq!(source.acknowledged(), before, "messages are taken that cannot be kept");
    // The disk is well again: that alone must not end the refusal.
    fs::remove_file(switch).unwrap();
    thread::sleep(Duration::from_millis(500));
    assert_eq!(source.acknowledged(), before, "it forgot that a flush failed");
}

#[test]
fn a_failed_flush_stops_acceptance_and_loses_nothing() {
    let folder = Folder::new("flush").unwrap();
    let (source_file, library) = (folder.path().join("failing.c"), folder.path().join("failing.so"));
    fs::write(&source_file, FAILING).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source_file])
        .arg("-ldl")
        .status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("SKIPPED: a disk that fails to flush: there is no C compiler");
        return;
    }
    let switch = folder.path().join("fails");
    let sink = Sink::start(any(), None).unwrap();
    let mut house = House::new("flush-relay", &House::to(sink.address(), LINES));
    house.set("LD_PRELOAD", library.to_str().unwrap());
    house.set("FLUSH_FAILS", switch.to_str().unwrap());
    house.start();
    let source = load(&house, 2_000);
    for _ in 0..KILLS {
        let before = source.acknowledged();
        house.until("nothing is taken", || source.acknowledged() > before + 20);
        refuses_while_flushes_fail(&house, &source, &switch);
        house.kill();
        house.start();
    }
    let before = source.acknowledged();
    house.until("it takes no more mail", || source.acknowledged() > before + 20);
    let sent = source.stop().acknowledged;
    house.until("acknowledged messages are missing", || {
        let numbers = sink.numbers();
        sent.iter().all(|n| numbers.contains_key(n))
    });
    house.stop();
}

#[test]
fn a_damaged_queue_is_not_touched() {
    let sink = Sink::start(any(), None).unwrap();
    let mut house = House::new("damaged", &House::to(sink.address(), ""));
    house.start();
    house.stop();
    let database = house.path().join("queue").join(waxseal_store::spool::sqlite::DATABASE);
    let mut bytes = fs::read(&database).unwrap();
    for byte in bytes.iter_mut().take(4096) {
        *byte ^= 0x5a;
    }
    fs::write(&database, &bytes).unwrap();
    house.launch();
    assert_eq!(house.ended(), Some(4));
    let output = house.output();
    assert!(output.contains("damaged") || output.contains("not a database"), "{output}");
    assert_eq!(fs::read(&database).unwrap(), bytes);
    let mode = fs::metadata(house.path().join("queue")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may read the queue: {mode:o}");
}
