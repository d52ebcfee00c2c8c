//! The breaker's protocol, explored: every interleaving of three environments that crash, answer late, lose replies,
//! see old views and send a write twice. What decides and what changes the item is the code of production
//! (`breaker::decide`, `breaker::row`, `control::Write::apply`); only time, network and environments are modelled.

mod mutation;
mod steps;
mod world;

use mutation::Mutation;
use stateright::{Checker, HasDiscoveries, Model};
use world::{Fleet, PARTS, Part, QUICK};

/// Nothing explored is left out: the checker ends when there is no state that it has not seen.
fn explore(mutation: Mutation, part: Part) -> impl Checker<Fleet> {
    let until = if mutation == Mutation::None { HasDiscoveries::All } else { HasDiscoveries::AnyFailures };
    Fleet::new(mutation, part).checker().threads(2).finish_when(until).spawn_dfs().join()
}

#[test]
fn the_protocol_keeps_its_promises() {
    for part in PARTS {
        let checker = explore(Mutation::None, part);
        let (states, unique) = (checker.state_count(), checker.unique_state_count());
        eprintln!(
            "model {}: {unique} states by {states} steps, depth {}, 0 violations",
            part.name,
            checker.max_depth()
        );
        checker.assert_properties();
    }
}

#[test]
fn every_mutation_of_the_protocol_is_caught() {
    for mutation in Mutation::ALL {
        let broken = [QUICK].into_iter().chain(PARTS).find_map(|part| found(mutation, part));
        eprintln!("model: {mutation:?} breaks {broken:?}");
        assert!(broken.is_some(), "{mutation:?} was not caught");
    }
}

fn found(mutation: Mutation, part: Part) -> Option<(&'static str, &'static str)> {
    let checker = explore(mutation, part);
    let broken = world::SAFETY.into_iter().find(|name| checker.discovery(name).is_some());
    broken.map(|name| (part.name, name))
}
