//! Starts a real server by its name and leaves it running until Enter is pressed:
//! `cargo run -p waxseal-peers --example serve -- postfix`.
#![allow(clippy::print_stdout, reason = "an example for the command line")]

use std::{error::Error, io};

use waxseal_peers::{Exim, OpenSmtpd, Postfix, TlsServer, certificate::Options};

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "postfix" => {
            serve(Postfix::start(&Default::default())?, |s| format!("{} {:?}", s.address(), s.certificate()))
        }
        "exim" => {
            serve(Exim::start(&Default::default())?, |s| format!("{} {:?}", s.address(), s.certificate()))
        }
        "opensmtpd" => serve(OpenSmtpd::start(&Default::default())?, |s| {
            format!("{} {:?}", s.address(), s.certificate())
        }),
        "openssl" => serve(TlsServer::openssl(&Options::default(), &[])?, |s| {
            format!("{} {:?}", s.address(), s.certificate())
        }),
        _ => Err("name one of: postfix, exim, opensmtpd, openssl".into()),
    }
}

/// Says where the server is, and keeps it until a line is read.
fn serve<T>(server: T, describe: impl Fn(&T) -> String) -> Result<(), Box<dyn Error>> {
    println!("{}", describe(&server));
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}
