//! The binary: parses arguments, starts the runtime, runs the command.

use std::process::ExitCode;

use clap::Parser as _;
use trailflow::cli::{self, Arguments};
use trailflow::limits::{BLOCKING_THREADS_MAX, STOP_THREADS_MAX};

/// Memory that one thread allocates and another frees comes back with it: docs/performance.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX);
    if let Some(threads) = arguments.threads_max() {
        runtime.worker_threads(threads);
    }
    match runtime.build() {
        Ok(runtime) => {
            let code = runtime.block_on(cli::run(arguments));
            // A decoder that still reads for a batch that was given up must not hold the end.
            runtime.shutdown_timeout(STOP_THREADS_MAX);
            code
        }
        Err(error) => {
            use std::io::Write as _;
            // Without threads and sockets there is nothing else to do but say so.
            let _gone = writeln!(std::io::stderr(), "trailflow: cannot start: {error}");
            ExitCode::from(2)
        }
    }
}
