//! The breaker of production beside a plain description of what it should do: whatever calls begin, end, are dropped
//! and wait, both say the same.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use shared::{
    breaker::{Admission, Breaker, State, Verdict},
    clock::{self, Wall},
    control::Store,
    deadline::Deadline,
    identity::Identity,
};
use tests::fleet::Memory;
use tokio::runtime::Runtime;

use crate::breaker::policy;

// The shipped numbers, in milliseconds.
const THRESHOLD: u8 = 5;
const WINDOW: u64 = 60_000;
const RECOVERY: u64 = 30_000;
const PERMIT: u64 = 13_000 + 1_000;

#[derive(Clone, Debug)]
enum Step {
    /// A call asks for leave, after a pause in milliseconds.
    Begin(u64),
    /// The n-th call that is out ends.
    End(usize, Verdict),
    /// ... or its caller goes away.
    Drop(usize),
}

#[derive(Clone, Debug)]
enum Stands {
    Closed {
        failures: u8,
        last_failure: u64,
    },
    Open {
        since: u64,
    },
    /// When each slot was taken, by which call, and whether its probe ended well.
    HalfOpen {
        slots: [Option<(u64, u64, bool)>; 3],
        inconclusive: u8,
    },
}

#[derive(Clone, Debug)]
struct Call {
    id: u64,
    generation: u64,
    began: u64,
    probe: bool,
}

/// What should be.
#[derive(Clone, Debug)]
struct Expected {
    now: u64,
    calls_so_far: u64,
    generation: u64,
    stands: Stands,
    out: Vec<Call>,
}

impl Expected {
    fn admits(&self) -> bool {
        match &self.stands {
            Stands::Closed { .. } => true,
            Stands::Open { since } => self.now - since >= RECOVERY,
            Stands::HalfOpen { slots, .. } => slots.iter().any(|slot| self.is_free(*slot)),
        }
    }

    fn is_free(&self, slot: Option<(u64, u64, bool)>) -> bool {
        slot.is_none_or(|(taken, _, ok)| !ok && self.now - taken > PERMIT)
    }

    fn begin(&mut self) {
        if !self.admits() {
            return;
        }
        let id = self.calls_so_far;
        self.calls_so_far += 1;
        let now = self.now;
        let probe = match &mut self.stands {
            Stands::Closed { .. } => false,
            Stands::Open { .. } => {
                self.generation += 1;
                self.stands = Stands::HalfOpen { slots: [Some((now, id, false)), None, None], inconclusive: 0 };
                true
            }
            Stands::HalfOpen { slots, .. } => {
                let free = |slot: &Option<(u64, u64, bool)>| slot.is_none_or(|(at, _, ok)| !ok && now - at > PERMIT);
                *slots.iter_mut().find(|slot| free(slot)).unwrap() = Some((now, id, false));
                true
            }
        };
        self.out.push(Call { id, generation: self.generation, began: now, probe });
    }

    fn end(&mut self, call: &Call, verdict: Verdict) {
        if call.generation != self.generation {
            return;
        }
        let now = self.now;
        let mut next = None;
        match (&mut self.stands, verdict) {
            (Stands::Closed { failures, last_failure }, Verdict::Failure) => {
                *failures = if now - *last_failure < WINDOW { *failures + 1 } else { 1 };
                *last_failure = now;
                next = (*failures == THRESHOLD).then_some(Stands::Open { since: now });
            }
            (Stands::Closed { failures, .. }, Verdict::Success) => *failures = 0,
            (Stands::HalfOpen { slots, inconclusive }, verdict) => {
                let Some(slot) = slots.iter_mut().find(|slot| slot.is_some_and(|(_, id, _)| id == call.id)) else {
                    return;
                };
                match verdict {
                    Verdict::Success => slot.as_mut().unwrap().2 = true,
                    Verdict::Failure => next = Some(Stands::Open { since: now }),
                    Verdict::Inconclusive if *inconclusive >= 2 => next = Some(Stands::Open { since: now }),
                    Verdict::Inconclusive => {
                        *inconclusive += 1;
                        *slot = None;
                    }
                }
                if slots.iter().all(|slot| slot.is_some_and(|(_, _, ok)| ok)) {
                    next = Some(Stands::Closed { failures: 0, last_failure: 0 });
                }
            }
            _ => {}
        }
        if let Some(stands) = next {
            self.stands = stands;
            self.generation += 1;
        }
    }

    /// Up to a tenth of the recovery is chance, and a success counts only when its call began after the run was known.
    fn is_certain(&self, step: &Step) -> bool {
        match (step, &self.stands) {
            (Step::Begin(pause), Stands::Open { since }) => {
                let open = self.now + pause + 1 - since;
                !(RECOVERY * 9 / 10 - 10..RECOVERY).contains(&open)
            }
            (Step::End(place, Verdict::Success), Stands::Closed { failures, last_failure }) => {
                // A later call may have looked at the item again, and with it the run would be newer than this call.
                let is_latest = |call: &Call| call.id + 1 == self.calls_so_far && call.began > *last_failure;
                *failures == 0 || self.out.get(*place).is_some_and(is_latest)
            }
            _ => true,
        }
    }
}

impl ReferenceStateMachine for Expected {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let closed = Stands::Closed { failures: 0, last_failure: 0 };
        Just(Self { now: 0, calls_so_far: 0, generation: 0, stands: closed, out: Vec::new() }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let verdict = prop_oneof![
            5 => Just(Verdict::Failure),
            3 => Just(Verdict::Success),
            1 => Just(Verdict::Inconclusive),
        ];
        let pause = prop_oneof![8 => 0..500_u64, 1 => 10_000..20_000_u64, 2 => 30_000..70_000_u64];
        prop_oneof![
            6 => pause.prop_map(Step::Begin),
            6 => (0..4_usize, verdict).prop_map(|(place, verdict)| Step::End(place, verdict)),
            1 => (0..4_usize).prop_map(Step::Drop),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        let there = match step {
            Step::Begin(_) => state.out.len() < 5,
            Step::End(place, _) | Step::Drop(place) => *place < state.out.len(),
        };
        // Each step takes a millisecond, and a probe ends before its permit does.
        let in_time = state.out.iter().all(|call| !call.probe || state.now - call.began < PERMIT - 4_000);
        let in_time = in_time || !matches!(step, Step::End(..));
        there && in_time && state.is_certain(step)
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.now += 1;
        match step {
            Step::Begin(pause) => {
                state.now += pause;
                state.begin();
            }
            Step::End(place, verdict) => {
                let call = state.out.remove(*place);
                state.end(&call, *verdict);
            }
            Step::Drop(place) => drop(state.out.remove(*place)),
        }
        state
    }
}

/// What is.
struct Real {
    runtime: Runtime,
    breaker: &'static Breaker,
    out: Vec<Admission<'static>>,
}

impl Real {
    fn settle(&self, admission: Admission<'static>, verdict: Verdict) {
        self.runtime.block_on(admission.settle(verdict, Duration::ZERO, soon()));
    }
}

fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(5))
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Expected;

    fn init_test(_: &Expected) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let breaker = runtime.block_on(async {
            let wall = Wall::Virtual { since: clock::now(), skew_ms: 0 };
            let store = Some(Memory::new(1) as Arc<dyn Store>);
            let identity = Identity::seeded("env", 1);
            Breaker::new("tavily", policy().dependency("tavily"), store, wall, identity)
        });
        // Admissions borrow it; a test may leak some hundred bytes.
        Self { runtime, breaker: Box::leak(Box::new(breaker)), out: Vec::new() }
    }

    fn apply(mut real: Self, expected: &Expected, step: Step) -> Self {
        let pause = if let Step::Begin(pause) = step { pause + 1 } else { 1 };
        let breaker = real.breaker;
        real.runtime.block_on(tokio::time::advance(Duration::from_millis(pause)));
        match step {
            Step::Begin(_) => {
                let admitted = real.runtime.block_on(breaker.admit(soon()));
                real.out.extend(admitted);
            }
            Step::End(place, verdict) => {
                let admission = real.out.remove(place);
                real.settle(admission, verdict);
            }
            Step::Drop(place) => {
                let admission = real.out.remove(place);
                real.runtime.block_on(async { drop(admission) });
            }
        }
        assert_eq!(real.out.len(), expected.out.len(), "{expected:?} {:?}", breaker.status());
        real
    }

    fn check_invariants(real: &Self, expected: &Expected) {
        let status = real.runtime.block_on(async { real.breaker.status() });
        let (state, generation) = (status.state, u64::try_from(status.generation).unwrap());
        let stands = match &expected.stands {
            Stands::Closed { .. } => State::Closed,
            Stands::Open { .. } => State::Open,
            Stands::HalfOpen { .. } => State::HalfOpen,
        };
        assert_eq!((state, generation), (stands, expected.generation), "{expected:?}");
    }
}

prop_state_machine! {
    // Steps that do not fit are drawn anew: most of them, while few calls are out.
    #![proptest_config(ProptestConfig { max_local_rejects: 10_000_000, ..ProptestConfig::default() })]

    #[test]
    fn the_breaker_does_what_it_should(sequential 1..120 => Real);
}
