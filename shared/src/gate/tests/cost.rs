//! What the gate costs those who do not wait. Printed, not asserted: run with `--run-ignored only --no-capture`.

use super::*;

const ROUNDS: u32 = 2_000_000;

#[tokio::test]
#[ignore = "a measurement"]
async fn of_an_uncontended_entry() {
    for adaptive in [false, true] {
        let gate = Gate::new("test", GateLimits { adaptive, ..limits(8, 8) });
        let deadline = later();
        let started = clock::now();
        for _ in 0..ROUNDS {
            drop(gate.enter(deadline).await);
        }
        let each = (clock::now() - started) / ROUNDS;
        println!("enter and drop, adaptive {adaptive}: {} ns", each.as_nanos());
    }
}
