//! What can happen, and what it does. Decisions are production's.

use shared::breaker::{
    decide::{Entry, Pass, Verdict, enter, settle, was_mine},
    record::{Record, State},
    row::{Moment, Row},
    rules::SKEW_MS,
};
use shared::control::{Item, Write};

use crate::{
    mutation::Mutation,
    world::{BEGIN, Doing, ENVIRONMENTS, Fleet, Step, TICK_MS, World},
};

impl Fleet {
    /// All that can happen next.
    pub fn possible(&self, world: &World, steps: &mut Vec<Step>) {
        // Closed again: what follows is the other part.
        if world.reached[0] || world.broken.contains(&true) {
            return;
        }
        if self.may_tick(world) {
            steps.push(Step::Tick);
        }
        if world.ghost.is_some() {
            steps.push(Step::Ghost);
        }
        for (who, environment) in world.environments.iter().enumerate() {
            if world.faults < self.part.faults && environment.doing != Doing::Nothing {
                steps.push(Step::Crash(who));
            }
            match &environment.doing {
                Doing::Nothing => {
                    if environment.nonces < self.part.calls[who] {
                        steps.push(Step::Enter(who));
                        if environment.view != Record::of(world.item.as_ref()) {
                            steps.push(Step::LookAndEnter(who));
                        }
                    }
                }
                Doing::Asking(..) | Doing::Telling(..) => {
                    steps.push(Step::Deliver(who));
                    if world.faults < self.part.faults {
                        steps.push(Step::LoseReply(who));
                    }
                    if world.faults < self.part.faults && !world.duplicated {
                        steps.extend([Step::DeliverAndKeep(who), Step::Forsake(who)]);
                    }
                }
                Doing::Calling(pass, until) => {
                    let late = until.is_some_and(|until| world.clock(who) >= until);
                    let ends: &[Verdict] = match (late && self.mutation != Mutation::WithoutProbeDeadline, pass.slot) {
                        (true, _) => &[Verdict::Failure],
                        (false, Some(_)) => &[Verdict::Success, Verdict::Failure, Verdict::Inconclusive],
                        (false, None) => &[Verdict::Success, Verdict::Failure],
                    };
                    steps.extend(ends.iter().map(|verdict| Step::End(who, *verdict)));
                }
            }
        }
    }

    /// A probe is cut when its time is over: its environment's clock does not pass that moment before. Nobody waits
    /// for the store as long as a tick: a write that takes longer is forsaken.
    fn may_tick(&self, world: &World) -> bool {
        if world.environments.iter().any(|one| matches!(one.doing, Doing::Asking(..) | Doing::Telling(..))) {
            return false;
        }
        let cut = |who: usize| match &world.environments[who].doing {
            Doing::Calling(_, Some(until)) => world.clock(who) >= *until,
            _ => false,
        };
        self.mutation == Mutation::WithoutProbeDeadline || !(0..ENVIRONMENTS).any(cut)
    }

    /// The world after a step.
    pub fn after(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        match step {
            Step::Tick => next.now += TICK_MS,
            Step::Enter(who) => self.enter(&mut next, who)?,
            Step::LookAndEnter(who) => {
                next.environments[who].view = Record::of(next.item.as_ref());
                self.enter(&mut next, who)?;
            }
            Step::Deliver(who) => self.deliver(&mut next, who),
            Step::DeliverAndKeep(who) => {
                let (Doing::Asking(row, write, _) | Doing::Telling(row, write, _, _)) = &next.environments[who].doing
                else {
                    return None;
                };
                next.faults += 1;
                (next.ghost, next.duplicated) = (Some((*row, write.clone())), true);
                self.deliver(&mut next, who);
            }
            Step::Forsake(who) => {
                let (Doing::Asking(row, write, _) | Doing::Telling(row, write, _, _)) =
                    next.environments[who].doing.clone()
                else {
                    return None;
                };
                next.faults += 1;
                (next.ghost, next.duplicated) = (Some((row, write)), true);
                next.environments[who].doing = Doing::Nothing;
            }
            Step::LoseReply(who) => {
                let (Doing::Asking(row, write, _) | Doing::Telling(row, write, _, _)) =
                    next.environments[who].doing.clone()
                else {
                    return None;
                };
                next.faults += 1;
                change(&mut next, &self.rules, row, &write);
                next.environments[who].doing = Doing::Nothing;
            }
            Step::Ghost => {
                let (row, write) = next.ghost.take()?;
                // A counted failure is known by its nonce until the next one is counted; what comes again after that
                // counts twice, and trips early. That is documented, and not explored.
                let counts = matches!(row, Row::Count | Row::Restart | Row::Trip);
                if counts && hidden(next.item.as_ref(), &write) {
                    return None;
                }
                change(&mut next, &self.rules, row, &write);
            }
            Step::End(who, verdict) => self.end(&mut next, who, verdict),
            Step::Crash(who) => {
                next.faults += 1;
                let nonces = next.environments[who].nonces;
                next.environments[who] = crate::world::Environment { nonces, ..Default::default() };
            }
        }
        next.broken[0] |= next.probes() > self.rules.half_open_calls;
        forget(&mut next, self.part.calls);
        Some(next)
    }

    fn enter(&self, world: &mut World, who: usize) -> Option<()> {
        let now = world.clock(who);
        let environment = &mut world.environments[who];
        let nonce = format!("{who}.{}", environment.nonces);
        environment.nonces += 1;
        match enter(&environment.view, now, &self.rules) {
            Entry::Admit => {
                let pass = Pass { generation: environment.view.generation, slot: None, nonce };
                environment.doing = Doing::Calling(pass, None);
            }
            Entry::Try(row) => {
                let write = self.write(row, &environment.view, now, &nonce);
                environment.doing = Doing::Asking(row, write, nonce);
            }
            Entry::Refuse { .. } => return None,
        }
        Some(())
    }

    fn write(&self, row: Row, seen: &Record, now: i64, nonce: &str) -> Write {
        let row = self.mutation.row(row);
        let mut write = row.write(seen, &self.rules, Moment { now, nonce, jitter: 0.5 });
        // When it happened decides nothing, and would multiply the states.
        write.set.retain(|(name, _)| *name != "at");
        for (_, value) in write.set.iter_mut().filter(|(name, _)| *name == "fail_exp") {
            *value = (BEGIN + self.rules.failure_window).into();
        }
        self.mutation.write(row, write)
    }

    fn deliver(&self, world: &mut World, who: usize) {
        match world.environments[who].doing.clone() {
            Doing::Asking(row, write, nonce) => {
                let won = change(world, &self.rules, row, &write);
                let record = Record::of(world.item.as_ref());
                let pass = Pass { generation: record.generation, slot: None, nonce };
                let mine = won || was_mine(row, &record, &pass);
                let slot = record.slot_of(&pass.nonce).filter(|_| mine);
                world.environments[who].doing = Doing::Nothing;
                world.environments[who].view = record.clone();
                let Some(slot) = slot else { return };
                let (pass, until) = (Pass { slot: Some(slot), ..pass }, record.slots[slot].expires - 2 * SKEW_MS);
                // A permit that is as good as expired when it comes is handed back unused.
                if until <= world.clock(who) && self.mutation != Mutation::WithoutProbeDeadline {
                    self.tell(world, who, pass, Verdict::Inconclusive);
                } else {
                    world.environments[who].doing = Doing::Calling(pass, Some(until));
                }
            }
            Doing::Telling(row, write, pass, verdict) => {
                let won = change(world, &self.rules, row, &write);
                let record = Record::of(world.item.as_ref());
                let done = won || was_mine(row, &record, &pass);
                world.environments[who].view = record;
                if done {
                    world.environments[who].doing = Doing::Nothing;
                } else {
                    self.tell(world, who, pass, verdict);
                }
            }
            Doing::Nothing | Doing::Calling(..) => {}
        }
    }

    fn end(&self, world: &mut World, who: usize, verdict: Verdict) {
        let Doing::Calling(pass, _) = world.environments[who].doing.clone() else { return };
        let generation = usize::try_from(pass.generation).unwrap_or(0).min(7);
        match (pass.slot, verdict) {
            (Some(_), Verdict::Success) => world.succeeded[generation] += 1,
            (None, Verdict::Failure) => world.failed[generation] += 1,
            _ => {}
        }
        self.tell(world, who, pass, verdict);
    }

    fn tell(&self, world: &mut World, who: usize, pass: Pass, verdict: Verdict) {
        let now = world.clock(who);
        let view = world.environments[who].view.clone();
        world.environments[who].doing = match settle(&view, &pass, verdict, now, &self.rules) {
            None => Doing::Nothing,
            Some(row) => {
                let write = self.write(row, &view, now, &pass.nonce);
                Doing::Telling(self.mutation.row(row), write, pass, verdict)
            }
        };
    }
}

/// What decides nothing any more is the same in all worlds: the view of an environment that is done, what happened under
/// earlier generations.
fn forget(world: &mut World, calls: [u8; ENVIRONMENTS]) {
    for (environment, calls) in world.environments.iter_mut().zip(calls) {
        if environment.doing == Doing::Nothing && environment.nonces >= calls {
            environment.view = Record::default();
        }
    }
    let generation = usize::try_from(Record::of(world.item.as_ref()).generation).unwrap_or(0).min(7);
    world.succeeded[..generation].fill(0);
    world.failed[..generation].fill(0);
}

/// Changes the item, if the write's tests hold, and looks at what that meant.
fn change(world: &mut World, rules: &shared::breaker::rules::Rules, row: Row, write: &Write) -> bool {
    let Some(after) = write.apply(world.item.as_ref()) else { return false };
    let (before, now) = (Record::of(world.item.as_ref()), Record::of(Some(&after)));
    let generation = usize::try_from(before.generation).unwrap_or(0).min(7);
    let calls = u8::try_from(rules.half_open_calls).unwrap_or(u8::MAX);
    let threshold = u8::try_from(rules.failure_threshold).unwrap_or(u8::MAX);
    match (before.state, now.state) {
        (State::HalfOpen, State::Closed) => {
            world.reached[0] = true;
            world.broken[1] |= world.succeeded[generation] < calls;
        }
        (State::HalfOpen, State::Open) => {
            world.reached[1] = true;
            world.broken[3] |= !matches!(row, Row::Reopen(_));
        }
        (State::Closed, State::Open) => {
            world.reached[2] = true;
            world.broken[2] |= world.failed[generation] < threshold;
        }
        _ => {}
    }
    world.item = Some(after);
    true
}

/// Whether the nonce of a counting write is no longer the last one, in the same run.
fn hidden(item: Option<&Item>, write: &Write) -> bool {
    let nonce = write.set.iter().find(|(name, _)| *name == "last").map(|(_, value)| value);
    item.is_some_and(|item| item.get("last") != nonce)
}
