//! The breaker's protocol, explored: every interleaving of three environments that crash, answer late, lose replies,
//! see old views and send a write twice. What decides and what changes the item is the code of production
//! (`breaker::decide`, `breaker::row`, `control::Write::apply`); only time, network and environments are modelled.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and says what it explored")]

mod mutation;
mod steps;
mod world;

use mutation::Mutation;
use stateright::{Checker, Model};
use world::{Fleet, Start};

fn explore(mutation: Mutation, start: Start) -> impl Checker<Fleet> {
    let fleet = Fleet::new(mutation, start);
    fleet
        .checker()
        .threads(2)
        .timeout(std::time::Duration::from_secs(std::env::var("T").map_or(25, |t| t.parse().unwrap())))
        .spawn_dfs()
        .join()
}

#[test]
fn the_protocol_keeps_its_promises() {
    for start in [Start::Closed, Start::Open] {
        let checker = explore(Mutation::None, start);
        let (states, unique) = (checker.state_count(), checker.unique_state_count());
        eprintln!("model from {start:?}: {unique} states by {states} steps, depth {}", checker.max_depth());
        eprintln!("done {}", checker.is_done());
        checker.assert_properties();
    }
}

#[test]
fn every_mutation_of_the_protocol_is_caught() {
    for mutation in Mutation::ALL {
        let broken: Vec<_> =
            [Start::Closed, Start::Open].into_iter().flat_map(|start| found(mutation, start)).collect();
        eprintln!("model: {mutation:?} breaks {broken:?}");
        assert!(!broken.is_empty(), "{mutation:?} was not caught");
    }
}

fn found(mutation: Mutation, start: Start) -> Vec<&'static str> {
    let checker = explore(mutation, start);
    world::SAFETY.into_iter().filter(|name| checker.discovery(name).is_some()).collect()
}
