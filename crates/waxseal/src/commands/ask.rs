//! What commands share that ask one server or domain and print something of their own.

use clap::Args;
use waxseal_scan::{ScanOptions, Scanner};

use super::check::default_profile;
use crate::{
    cli::{ConnectionArgs, NameArgs},
    exit::Failure,
    setup::{self, Surroundings},
};

/// How to ask.
#[derive(Debug, Clone, Args)]
pub(crate) struct AskArgs {
    /// Ask in the built-in lab.
    #[cfg(feature = "lab")]
    #[arg(long)]
    lab: bool,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl AskArgs {
    /// Asks with a scanner by the arguments.
    ///
    /// # Errors
    /// Arguments that cannot be used, a lab that does not start, and what `ask` meets.
    pub(crate) fn ask<T>(&self, ask: impl AsyncFnOnce(&Scanner) -> Result<T, Failure>) -> Result<T, Failure> {
        setup::runtime(false)?.block_on(async {
            #[cfg(feature = "lab")]
            if self.lab {
                let lab = super::lab::start(true).await?;
                let result = ask(&self.scanner(&super::lab::surroundings(&lab))?).await;
                lab.stop().await;
                return result;
            }
            ask(&self.scanner(&Surroundings::default())?).await
        })
    }

    fn scanner(&self, around: &Surroundings) -> Result<Scanner, Failure> {
        let step = setup::step(&self.connection, around);
        let resolver = setup::resolver(&self.names, around, step)?;
        let prober = setup::prober(&self.connection, around, false, None)?;
        let options = ScanOptions { version: env!("CARGO_PKG_VERSION").to_owned(), ..ScanOptions::default() };
        Ok(Scanner::new(resolver, prober, options, default_profile()?))
    }
}
