//! The search: every state that can be reached, breadth first, and a way to each.
//!
//! In: a model. Out: how many states there are, or the shortest way to a broken property. Must
//! hold: nothing is left out: a state is passed over only when one with its key was expanded.

use std::fmt::Write as _;

use super::key::{Key, Renaming, key, renamings};
use super::model::{Model, Out};
use super::property::{Property, broken, is_goal};
use super::state::State;
use super::text::{M, S};

/// What a search found.
#[derive(Debug)]
pub(crate) struct Explored {
    /// States that differ in more than names.
    pub(crate) states: usize,
    /// Steps between them.
    pub(crate) steps: usize,
    /// Steps from the first state to the farthest.
    pub(crate) depth: usize,
    /// The first property that does not hold.
    pub(crate) violation: Option<Violation>,
}

/// A property that does not hold, and how that comes about.
#[derive(Debug)]
pub(crate) struct Violation {
    /// Which.
    pub(crate) property: Property,
    /// Steps to it.
    pub(crate) steps: usize,
    /// The same, a line each, and what the lake has at the end.
    pub(crate) trace: String,
}

/// Explores everything, or up to the first violation. `visit` is shown every state once.
pub(crate) fn explore(model: &Model, visit: &mut dyn FnMut(&State)) -> Explored {
    let mut graph = Graph::new(*model);
    let end = match graph.expand_all(visit) {
        Some(broken) => Some(broken),
        None => graph.dead_end().map(|end| (end, Property::NoDeadEnd)),
    };
    let violation = end.map(|(end, property)| graph.violation(end, property));
    Explored {
        states: graph.keys.len(),
        steps: graph.steps,
        depth: graph.depth,
        violation,
    }
}

/// States by number, in the order of their discovery.
struct Graph {
    model: Model,
    renamings: Vec<Renaming>,
    keys: Vec<Key>,
    parents: Vec<u32>,
    goals: Vec<bool>,
    /// Where each state's steps without faults begin in `sound`.
    first_sound: Vec<u32>,
    sound: Vec<u32>,
    /// Numbers by key, one too high; 0 is a free place.
    table: Vec<u32>,
    steps: usize,
    depth: usize,
}

impl Graph {
    fn new(model: Model) -> Self {
        Self {
            renamings: renamings(&model),
            model,
            keys: Vec::new(),
            parents: Vec::new(),
            goals: Vec::new(),
            first_sound: Vec::new(),
            sound: Vec::new(),
            table: vec![0; 1 << 16],
            steps: 0,
            depth: 0,
        }
    }

    /// Level by level. Returns the first state that breaks a property.
    fn expand_all(&mut self, visit: &mut dyn FnMut(&State)) -> Option<(u32, Property)> {
        let start = State::new();
        self.insert(&start, 0);
        let mut level = vec![start];
        let mut number = 0;
        while !level.is_empty() {
            let mut next_level = Vec::new();
            for state in &level {
                visit(state);
                self.first_sound.push(count(self.sound.len()));
                let broken = self.expand(number, state, &mut next_level);
                if broken.is_some() {
                    return broken;
                }
                number += 1;
            }
            level = next_level;
            self.depth += usize::from(!level.is_empty());
        }
        self.first_sound.push(count(self.sound.len()));
        None
    }

    /// Adds the successors of a state that are new to the next level.
    fn expand(
        &mut self,
        number: u32,
        state: &State,
        next_level: &mut Vec<State>,
    ) -> Option<(u32, Property)> {
        let model = self.model;
        let mut violation = None;
        let mut take = |mut next: State, fault: bool, _: std::fmt::Arguments<'_>| {
            let property = broken(&model, state, &next);
            model.normalize(&mut next);
            next.forget();
            let (found, is_new) = self.insert(&next, number);
            self.steps += 1;
            if is_new {
                next_level.push(next);
            }
            if !fault {
                self.sound.push(found);
            }
            if violation.is_none() {
                violation = property.map(|property| (found, property));
            }
        };
        model.successors(state, &mut Out { take: &mut take });
        violation
    }

    /// The number of a state, and whether it is new.
    fn insert(&mut self, state: &State, parent: u32) -> (u32, bool) {
        let key = key(&self.model, &self.renamings, state);
        self.make_room();
        let mut place = self.place(key);
        while let Some(taken) = self.table[place].checked_sub(1) {
            if self.keys[index(taken)] == key {
                return (taken, false);
            }
            place = (place + 1) & (self.table.len() - 1);
        }
        let number = count(self.keys.len());
        self.table[place] = number + 1;
        self.keys.push(key);
        self.parents.push(parent);
        self.goals.push(is_goal(&self.model, state));
        (number, true)
    }

    /// Where the search for a key begins.
    fn place(&self, key: Key) -> usize {
        let mix = |hash: u64, word: u64| {
            let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mixed ^ mixed >> 29
        };
        let hash = key.into_iter().fold(0x243F_6A88_85A3_08D3, mix);
        index(u32::try_from(hash >> 32).unwrap()) & (self.table.len() - 1)
    }

    /// Keeps half of the table free.
    fn make_room(&mut self) {
        if self.keys.len() * 2 < self.table.len() {
            return;
        }
        self.table = vec![0; self.table.len() * 2];
        for number in 0..self.keys.len() {
            let mut place = self.place(self.keys[number]);
            while self.table[place] != 0 {
                place = (place + 1) & (self.table.len() - 1);
            }
            self.table[place] = count(number) + 1;
        }
    }

    /// The first state from which no steps without faults lead to the end. What leads there is
    /// marked backwards, until nothing is added.
    fn dead_end(&self) -> Option<u32> {
        let mut live = self.goals.clone();
        let mut marked = true;
        while marked {
            marked = false;
            for state in (0..live.len()).rev().filter(|state| !self.goals[*state]) {
                let steps = index(self.first_sound[state])..index(self.first_sound[state + 1]);
                if !live[state] && self.sound[steps].iter().any(|next| live[index(*next)]) {
                    live[state] = true;
                    marked = true;
                }
            }
        }
        live.iter().position(|live| !live).map(count)
    }

    /// Walks the way to a state again, with names that stay.
    fn violation(&self, end: u32, property: Property) -> Violation {
        let mut way = Vec::new();
        let mut place = end;
        while place != 0 {
            way.push(place);
            place = self.parents[index(place)];
        }
        way.reverse();
        let mut trace = format!("{property}:\n");
        for (message, sources) in self.model.messages.iter().enumerate() {
            writeln!(trace, "       {} names {}", M(1 << message), S(*sources)).unwrap();
        }
        let mut state = State::new();
        for (number, place) in (1..).zip(&way) {
            let (next, fault, what) = self.step_to(&state, self.keys[index(*place)]);
            let mark = if fault { '!' } else { ' ' };
            writeln!(trace, "  {number:>3} {mark} {what}").unwrap();
            state = next;
        }
        write!(trace, "{state}").unwrap();
        Violation {
            property,
            steps: way.len(),
            trace,
        }
    }

    /// The step from a state to one with that key.
    fn step_to(&self, state: &State, wanted: Key) -> (State, bool, String) {
        let mut taken = None;
        let mut take = |mut next: State, fault: bool, what: std::fmt::Arguments<'_>| {
            self.model.normalize(&mut next);
            let mut named = next;
            named.forget();
            if taken.is_none() && key(&self.model, &self.renamings, &named) == wanted {
                taken = Some((next, fault, what.to_string()));
            }
        };
        self.model.successors(state, &mut Out { take: &mut take });
        taken.expect("the step that was taken before")
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}
