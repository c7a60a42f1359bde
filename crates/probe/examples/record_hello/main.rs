//! A listener that speaks SMTP up to STARTTLS and writes down the ClientHello it gets, in the
//! form of `crates/judge/clients/*.toml`. `cargo xtask record-hello PORT` starts it.
//!
//! What the client says after its handshake was refused goes to standard error, so that one
//! sees whether it comes back and goes on in clear. It takes every message and drops it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who started it")]

mod hello;
mod toml;

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::Duration,
};

/// Longest wait for a client's next word.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest ClientHello with its record headers.
const LONGEST: usize = 1 << 17;
/// A fatal handshake_failure, as servers without a common suite send it.
const REFUSAL: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let implicit = arguments.iter().any(|a| a == "--implicit");
    let Some(port) = arguments.iter().find_map(|a| a.parse().ok()) else {
        eprintln!("usage: record_hello PORT [--implicit]");
        return ExitCode::from(2);
    };
    match listen(port, implicit) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record_hello: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen(port: u16, implicit: bool) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    eprintln!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(stream, implicit) {
                eprintln!("the connection ended: {error}");
            }
        });
    }
    Ok(())
}

/// One connection, to the refused handshake or to QUIT.
fn serve(stream: TcpStream, implicit: bool) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    if implicit || converse(&mut reader, &mut writer)? {
        let message = read_hello(&mut reader)?;
        let hello = hello::ClientHello::parse(&message.bytes).ok_or("this is no ClientHello")?;
        println!("{}", toml::describe(&hello, message.record_version));
        writer.write_all(&REFUSAL)?;
    }
    Ok(())
}

/// Speaks SMTP. True where TLS is to begin.
fn converse(reader: &mut BufReader<TcpStream>, writer: &mut TcpStream) -> Result<bool, Box<dyn Error>> {
    writer.write_all(b"220 recorder.example.com ESMTP\r\n")?;
    let mut line = String::new();
    let mut in_message = false;
    loop {
        line.clear();
        if reader.by_ref().take(2048).read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let said = line.trim_end();
        if in_message {
            in_message = said != ".";
            if !in_message {
                writer.write_all(b"250 2.0.0 taken\r\n")?;
            }
            continue;
        }
        eprintln!("in clear: {said}");
        let command = said.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match command.as_str() {
            "EHLO" => b"250-recorder.example.com\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            "STARTTLS" => b"220 2.0.0 go ahead\r\n",
            "DATA" => b"354 go ahead\r\n",
            "QUIT" => b"221 2.0.0 bye\r\n",
            _ => b"250 2.0.0 yes\r\n",
        };
        writer.write_all(reply)?;
        match command.as_str() {
            "STARTTLS" => return Ok(true),
            "QUIT" => return Ok(false),
            "DATA" => in_message = true,
            _ => {}
        }
    }
}

/// A handshake message, its header included.
struct Message {
    record_version: u16,
    bytes: Vec<u8>,
}

/// Reads records until the first handshake message is complete.
fn read_hello(reader: &mut impl Read) -> Result<Message, Box<dyn Error>> {
    let mut message = Message { record_version: 0, bytes: Vec::new() };
    loop {
        let mut header = [0; 5];
        reader.read_exact(&mut header)?;
        let [kind, major, minor, high, low] = header;
        if kind != 22 {
            return Err(format!("a record of type {kind} came in place of a ClientHello").into());
        }
        if message.bytes.is_empty() {
            message.record_version = u16::from_be_bytes([major, minor]);
        }
        let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        reader.read_exact(&mut payload)?;
        message.bytes.append(&mut payload);
        if let [_, a, b, c, ..] = *message.bytes.as_slice() {
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c]))?;
            if length > LONGEST {
                return Err("the message is longer than any ClientHello".into());
            }
            if message.bytes.len() >= length + 4 {
                return Ok(message);
            }
        }
    }
}
