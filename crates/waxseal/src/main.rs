//! The `waxseal` program; all it does is in the library beside it.

fn main() -> std::process::ExitCode {
    waxseal::main()
}
