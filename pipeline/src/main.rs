//! The binary: parses arguments, starts the runtime, runs the command.

use std::process::ExitCode;

use clap::Parser as _;
use trailflow::cli::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(cli::run(arguments)),
        Err(error) => {
            use std::io::Write as _;
            // Without threads and sockets there is nothing else to do but say so.
            let _gone = writeln!(std::io::stderr(), "trailflow: cannot start: {error}");
            ExitCode::from(2)
        }
    }
}
