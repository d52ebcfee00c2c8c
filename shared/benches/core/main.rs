//! What the concurrency core costs: `make bench`.
//!
//! Machines differ and are noisy, so every figure stands beside a baseline of the same run, rounds alternate between
//! what is compared, and medians are shown.

#![expect(clippy::print_stdout, reason = "a report for the reader")]
#![expect(clippy::disallowed_types, reason = "what is measured stands beside a plain semaphore")]

mod contention;
mod cost;
mod subject;

use std::error::Error;

use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    Builder::new_current_thread().enable_time().build()?.block_on(cost::report())?;
    Builder::new_multi_thread().enable_time().build()?.block_on(contention::report())
}
