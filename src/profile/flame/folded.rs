//! Folded stacks, as Brendan Gregg's tools read them.

use std::borrow::Cow;
use std::fmt::Write;

use super::name;
use super::tree::{FlameGraph, Frame};

impl FlameGraph {
    /// Folded stacks: a line for each frame that has time of its own, `POST /scene;scene_validation 2100`, with the frames from
    /// the route on and that time in microseconds. A difference has two numbers, `before now`, as `difffolded.pl` and
    /// `inferno-diff-folded` write them.
    ///
    /// The lines add up to all time rounded to microseconds: what rounding takes from one is added to the next. One that is 0
    /// then is left out.
    ///
    /// A name cannot break or forge a line:
    ///
    /// - `;` is `:`, white space is a space, at the ends of the name it is left out, and a control character is `U+FFFD`.
    /// - The last word of a name, if it reads as a number, has `_` before it instead of a space: `step 2` is `step_2`.
    /// - A name without anything is `_`. A phase called `unaccounted` is `unaccounted (phase)`.
    pub fn folded(&self) -> String {
        let mut text = String::new();
        let (mut now, mut before) = (Rounding::default(), Rounding::default());
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        self.stacks(|stack| {
            names.truncate(stack.len() - 1);
            names.push(name_of(stack));
            let frame = stack[stack.len() - 1];
            let (now, before) = (now.micros(frame.own), before.micros(frame.own_before));
            if (now, before) == (0, 0) {
                return;
            }
            text.push_str(&names.join(";"));
            let written = if self.compared { writeln!(text, " {before} {now}") } else { writeln!(text, " {now}") };
            written.expect("a String takes all that is written");
        });
        text
    }
}

/// Nanoseconds to microseconds, so that the sum of all is right.
#[derive(Debug, Default)]
struct Rounding {
    nanos: u128,
    micros: u128,
}

impl Rounding {
    fn micros(&mut self, nanos: u64) -> u128 {
        self.nanos += u128::from(nanos);
        let micros = (self.nanos + 500) / 1000;
        micros - std::mem::replace(&mut self.micros, micros)
    }
}

fn name_of<'a>(stack: &[&'a Frame]) -> Cow<'a, str> {
    let mut name = name::last_of(stack);
    if name.contains(';') {
        name = Cow::Owned(name.replace(';', ":"));
    }
    if name.trim().len() < name.len() {
        name = Cow::Owned(name.trim().to_owned());
    }
    // Before the number of the line, another one would be read as that of a difference.
    if let Some((words, last)) = name.rsplit_once(' ')
        && last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        name = Cow::Owned(format!("{words}_{last}"));
    }
    if name.is_empty() { Cow::Borrowed("_") } else { name }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::flame::handmade::{HOSTILE, request, requests, scene};

    #[test]
    fn a_line_has_the_time_of_the_frame_alone() {
        assert_eq!(
            FlameGraph::of(&[scene()]).folded(),
            "POST /scene;auth_validation 2100\n\
             POST /scene;file_io 8300\n\
             POST /scene;file_io;fsync 90000\n\
             POST /scene;response_serialization 28100\n\
             POST /scene;scene_validation 15000\n\
             POST /scene;unaccounted 1800\n"
        );
        assert_eq!(FlameGraph::of(&[]).folded(), "");
    }

    #[test]
    fn a_difference_has_what_was_before_and_what_is_now() {
        let before = request("/scene", 5000, &[("auth", None, 0, 2000)]);
        let now = request("/scene", 8000, &[("auth", None, 0, 1000), ("io", None, 1000, 6000)]);
        assert_eq!(
            FlameGraph::difference(&[now], &[before]).folded(),
            "POST /scene;auth 2 1\nPOST /scene;io 0 6\nPOST /scene;unaccounted 3 1\n"
        );
    }

    #[test]
    fn hostile_names_are_tamed() {
        let named = |name| FlameGraph::of(&[request("/a", 1000, &[(name, None, 0, 1000)])]).folded();
        for (name, tame) in HOSTILE.into_iter().zip([
            "_",
            "_",
            "a:b",
            "say \"hello\\\"",
            "two lines_7",
            "\u{fffd}\u{fffd}[31m",
            "</script><!-- ]]> &amp:",
            "🦀 ünïcode",
            "step_2",
            "1.5",
            "unaccounted (phase)",
            "{}[],:'%s",
        ]) {
            assert_eq!(named(name), format!("POST /a;{tame} 1\n"), "{name:?}");
        }
        assert_eq!(FlameGraph::of(&[request("7 8", 1000, &[])]).folded(), "POST 7_8;unaccounted 1\n");
    }

    proptest! {
        #[test]
        fn the_lines_add_up_to_the_rounded_total(profiles in requests(), factor in 1u32..2000) {
            let stretched: Vec<_> = profiles.into_iter().map(|mut profile| {
                profile.duration *= factor;
                for phase in &mut profile.phases {
                    (phase.start, phase.duration) = (phase.start * factor, phase.duration * factor);
                }
                profile
            }).collect();
            let total: u128 = stretched.iter().map(|profile| profile.duration.as_nanos()).sum();
            let folded = FlameGraph::of(&stretched).folded();
            let mut sum = 0;
            for line in folded.split_terminator('\n') {
                let (stack, micros) = line.rsplit_once(' ').expect("a number ends the line");
                prop_assert!(stack.starts_with("POST"), "{:?}", line);
                prop_assert!(!stack.contains(|c: char| c.is_control() || c == '\u{2028}'), "{:?}", line);
                prop_assert!(stack.rsplit(' ').next().expect("a word").parse::<f64>().is_err(), "{:?}", line);
                let micros: u128 = micros.parse().expect("digits");
                prop_assert!(micros > 0, "{:?}", line);
                sum += micros;
            }
            prop_assert_eq!(sum, (total + 500) / 1000);
        }
    }
}
