//! The world: one item, three environments, the network between them, and what really happened.

use shared::{
    breaker::{
        decide::{Pass, Verdict},
        record::Record,
        row::{Moment, Row},
        rules::{Rules, SKEW_MS},
    },
    control::{Item, Write},
};
use stateright::{Model, Property};

use crate::mutation::Mutation;

/// Environments.
pub const ENVIRONMENTS: usize = 3;
/// A step of time.
pub const TICK_MS: i64 = 2_000;
/// Where time ends.
const HORIZON: i64 = 3 * TICK_MS;
/// How far each environment's clock is off.
pub const SKEW: [i64; ENVIRONMENTS] = [0, 0, SKEW_MS];
/// When time begins.
pub const BEGIN: i64 = 1_000_000;

/// The promises.
pub const SAFETY: [&str; 4] = [
    "S1 no more probes in flight than permits",
    "S2 closes only after as many successes as the round has calls",
    "S3 trips only after as many failures as the threshold",
    "S4 a trip never ends a half-open round",
];

/// What an environment is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Doing {
    /// Nothing.
    #[default]
    Nothing,
    /// Asking for leave: its write is on the way.
    Asking(Row, Write, String),
    /// Calling the dependency; a probe, until then on its own clock.
    Calling(Pass, Option<i64>),
    /// Telling how a call ended: its write is on the way.
    Telling(Row, Write, Pass, Verdict),
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Environment {
    /// What it last saw.
    pub view: Record,
    /// What it is at.
    pub doing: Doing,
    /// How many nonces it has used.
    pub nonces: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// True time.
    pub now: i64,
    /// The fleet's memory.
    pub item: Option<Item>,
    /// The environments.
    pub environments: [Environment; ENVIRONMENTS],
    /// A copy of a write that the network may still deliver.
    pub ghost: Option<(Row, Write)>,
    /// Whether another one was made already: one is enough to break what can be broken.
    pub duplicated: bool,
    /// Crashes, lost replies and repeated writes so far.
    pub faults: u8,
    /// Real successes of probes, and real failures, by generation.
    pub succeeded: [u8; 8],
    /// ... of calls that a closed breaker had let out.
    pub failed: [u8; 8],
    /// Promises that were broken.
    pub broken: [bool; 4],
    /// Whether it was ever closed by probes, reopened by one, tripped.
    pub reached: [bool; 3],
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Time passes.
    Tick,
    /// A call wants to go out, on what its environment last saw.
    Enter(usize),
    /// A call wants to go out, and looks at the item first.
    LookAndEnter(usize),
    /// A write reaches the item, and its reply the environment.
    Deliver(usize),
    /// ... and is kept by the network, to come again.
    DeliverAndKeep(usize),
    /// A write reaches the item, and its reply nobody.
    LoseReply(usize),
    /// An environment gives up waiting; its write stays in the network, and may come late.
    Forsake(usize),
    /// The kept write comes again.
    Ghost,
    /// A call ends.
    End(usize, Verdict),
    /// An environment dies, with what it was at.
    Crash(usize),
}

/// The model.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Which mistake is made.
    pub mutation: Mutation,
    /// The numbers, small ones.
    pub rules: Rules,
    /// What is explored.
    pub part: Part,
}

/// Where a part begins. The two meet in the open state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// No item; ends when it has tripped.
    Closed,
    /// Just tripped; one environment still has a call out that the closed breaker let go, and does not know. Ends
    /// after the second round.
    Open,
    /// Tripped, tried and closed again; one environment still has a call out from before the trip. Ends when it has
    /// tripped once more.
    Reclosed,
}

/// What is explored to its end.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Where it begins.
    pub start: Start,
    /// How many crashes, lost replies, late and repeated writes there may be. Late results and old views are no
    /// faults: they come in any number.
    pub faults: u8,
    /// How many calls each environment makes.
    pub calls: [u8; ENVIRONMENTS],
    /// How many failures in a row trip it.
    pub threshold: i64,
}

/// A part of the last one of [`PARTS`], in which most mistakes show at once.
pub const QUICK: Part =
    Part { name: "two rounds, no fault", start: Start::Open, faults: 0, calls: [1, 2, 1], threshold: 2 };

/// Deep or wide: both at once is more than can be visited.
pub const PARTS: [Part; 4] = [
    Part { name: "tripping, any two faults", start: Start::Closed, faults: 2, calls: [1, 2, 1], threshold: 3 },
    Part { name: "tripping again, any two faults", start: Start::Reclosed, faults: 2, calls: [1, 1, 1], threshold: 2 },
    Part { name: "two rounds, any two faults", start: Start::Open, faults: 2, calls: [1, 1, 1], threshold: 2 },
    Part { name: "two rounds, any one fault", start: Start::Open, faults: 1, calls: [1, 2, 1], threshold: 2 },
];

impl Fleet {
    /// The fleet under `mutation`.
    pub fn new(mutation: Mutation, part: Part) -> Self {
        let rules = Rules {
            failure_threshold: part.threshold,
            failure_window: 60_000,
            recovery: 2 * TICK_MS,
            reopen_multiplier: 1,
            max_recovery: 2 * TICK_MS,
            half_open_calls: 2,
            probe_timeout: TICK_MS,
            permit_ttl: 2 * TICK_MS,
            ratio: None,
        };
        Self { mutation, rules: mutation.rules(rules), part }
    }
}

impl Fleet {
    fn reachable(&self) -> Vec<Property<Self>> {
        match self.part.start {
            Start::Closed | Start::Reclosed => vec![Property::sometimes("trips", |_, world: &World| world.reached[2])],
            Start::Open => vec![
                Property::sometimes("closes again", |_, world: &World| world.reached[0]),
                Property::sometimes("reopens", |_, world: &World| world.reached[1]),
            ],
        }
    }
}

impl World {
    /// The clock of an environment.
    pub fn clock(&self, who: usize) -> i64 {
        self.now + SKEW[who]
    }

    /// What is left after `rows`, with one environment that saw only the first of them and still has a call out.
    fn after(mut self, rules: &Rules, rows: &[(Row, &str)]) -> Self {
        // The time of an open breaker is over.
        let long_ago = BEGIN - rules.recovery;
        for (place, (row, nonce)) in rows.iter().enumerate() {
            let moment = Moment { now: if place < 2 { long_ago } else { BEGIN }, nonce, jitter: 0.5 };
            let seen = Record::of(self.item.as_ref());
            self.item = row.write(&seen, rules, moment).apply(self.item.as_ref());
            if place == 0 {
                self.environments[2].view = Record::of(self.item.as_ref());
            }
        }
        let late = Pass { generation: 0, slot: None, nonce: "2.late".to_owned() };
        self.environments[2].doing = Doing::Calling(late, None);
        for knowing in &mut self.environments[..2] {
            knowing.view = Record::of(self.item.as_ref());
        }
        self
    }

    /// Probes that are out.
    pub fn probes(&self) -> usize {
        let probing =
            |environment: &&Environment| matches!(&environment.doing, Doing::Calling(pass, _) if pass.slot.is_some());
        self.environments.iter().filter(probing).count()
    }
}

impl Model for Fleet {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let closed = World {
            now: BEGIN,
            item: None,
            environments: Default::default(),
            ghost: None,
            duplicated: false,
            faults: 0,
            succeeded: [0; 8],
            failed: [0; 8],
            broken: [false; 4],
            reached: [false; 3],
        };
        let tripped = [(Row::Count, "0.first"), (Row::Trip, "1.second")];
        let round = [(Row::Begin, "0.a"), (Row::Acquire(1), "1.b"), (Row::Succeed(0), "0.a"), (Row::Close(1), "1.b")];
        vec![match self.part.start {
            Start::Closed => closed,
            Start::Open => closed.after(&self.rules, &tripped),
            Start::Reclosed => closed.after(&self.rules, &[&tripped[..], &round].concat()),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        self.possible(world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        self.after(world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(SAFETY[0], |_, world: &World| !world.broken[0]),
            Property::always(SAFETY[1], |_, world: &World| !world.broken[1]),
            Property::always(SAFETY[2], |_, world: &World| !world.broken[2]),
            Property::always(SAFETY[3], |_, world: &World| !world.broken[3]),
        ]
        .into_iter()
        .chain(self.reachable())
        .collect()
    }

    fn within_boundary(&self, world: &World) -> bool {
        let generation = Record::of(world.item.as_ref()).generation;
        let (last, horizon) = match self.part.start {
            Start::Closed => (1, 0),
            // The second round ends in the fifth generation.
            Start::Open => (5, HORIZON),
            Start::Reclosed => (4, 0),
        };
        generation <= last && world.now - BEGIN <= horizon
    }
}
