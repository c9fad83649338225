//! Where one family ends and the next begins, and which names each of them claims.

use std::collections::hash_map::Entry;

use super::{Open, Place, Reader};
use crate::finding::{Broken, quoted};
use crate::{Family, Kind, Rule, family};

impl Reader<'_> {
    /// Makes the family of that name the open one, and reports it if it has been closed before.
    pub(super) fn enter(&mut self, name: String, metadata: bool) {
        if self.open.as_ref().is_some_and(|open| open.family.name == name) {
            return;
        }
        match self.numbers.get(&name).copied() {
            Some(number) => self.enter_piece(name, number),
            None => {
                self.close();
                let number = self.numbers.len();
                self.numbers.insert(name.clone(), number);
                self.split.push(false);
                self.begin(name.clone(), number, false);
                if metadata && !self.format.is_open() {
                    // In text all types have samples without a suffix, or keep that name for themselves.
                    self.place_claim(name);
                }
            }
        }
    }

    /// Goes on with a family that has been closed, under the name that led there.
    pub(super) fn enter_piece(&mut self, name: String, number: usize) {
        self.close();
        if !std::mem::replace(&mut self.split[number], true) {
            self.report(Broken::new(Rule::FamilySplit, 0, format!("{} goes on after another family has begun", quoted(&name))));
        }
        self.begin(name, number, true);
    }

    fn begin(&mut self, name: String, number: usize, unjudged: bool) {
        let line = self.place.line;
        let family = Family { name, help: None, unit: None, kind: None, samples: Vec::new(), line };
        let start = self.place.start;
        self.open = Some(Open {
            family,
            spots: Vec::new(),
            start,
            damaged: unjudged,
            unjudged,
            clashed: false,
            sampled: false,
            number,
        });
    }

    /// Claims the names of the open family's samples, now that its type is known.
    pub(super) fn claim(&mut self) {
        let Some(open) = &self.open else { return };
        let name = open.family.name.clone();
        for suffix in self.format.suffixes(open.family.kind.unwrap_or(Kind::Unknown)) {
            self.place_claim(format!("{name}{suffix}"));
        }
    }

    fn place_claim(&mut self, name: String) {
        let Some(open) = &mut self.open else { return };
        match self.claims.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(open.number);
            }
            Entry::Occupied(claimed) if *claimed.get() != open.number && !open.damaged && !open.clashed => {
                open.clashed = true;
                let told = format!("two families have samples {}, or may have", quoted(claimed.key()));
                self.findings.push(self.place, Broken::new(Rule::NameClash, 0, told));
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Checks that a family stands behind the one before it. The program that has it knows a counter by the name with `_total`, an info by
    /// that with `_info`, in each format.
    fn check_order(&mut self, open: &Open) {
        let suffix = match (open.family.kind, self.format.is_open()) {
            (Some(Kind::Counter), true) => "_total",
            (Some(Kind::Info), true) => "_info",
            _ => "",
        };
        let name = format!("{}{suffix}", open.family.name);
        if self.last_name > name {
            let told = format!("family {} behind {}", quoted(&name), quoted(&self.last_name));
            let place = Place { line: open.family.line, start: open.start };
            self.findings.push(place, Broken::new(Rule::OwnFamilyOrder, 0, told));
        }
        self.last_name = name;
    }

    /// Checks the open family and hands it on.
    pub(super) fn close(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.family.kind.is_none() && !open.unjudged) {
            // Perhaps there was metadata alone, of a family that may have samples all the same.
            self.claim();
        }
        let Some(mut open) = self.open.take() else { return };
        if self.rules.families_sorted && !open.unjudged {
            self.check_order(&open);
        }
        if !open.unjudged {
            family::check(&open, self.format, self.rules, &mut self.findings);
        }
        if let Some(kept) = &mut self.kept {
            open.family.samples.shrink_to_fit();
            kept.push(open.family);
        }
    }
}
