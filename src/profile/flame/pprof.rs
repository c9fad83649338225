//! Profiles for `go tool pprof`: `profile.proto`, as gzip.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use super::name;
use super::tree::FlameGraph;
use crate::exposition::coding::gzip;
use crate::exposition::wire::Message;
use crate::profile::RequestProfile;

/// A profile for `go tool pprof`, as it reads it from a file or a server.
///
/// Its sample types are `requests`, counted on their route, and `time` in nanoseconds, the default, where the stacks are those
/// of [`FlameGraph::of`]. Each sample has the labels `endpoint`, `method` and `status`: `-tags` lists them,
/// `-tagfocus=status=5..` looks at some (`^503$`, since pprof takes a bare number for a range). A function is a name: a phase
/// is the same one in all routes. White space and control characters in names are replaced as in [`FlameGraph::folded`].
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::profile::flame::pprof;
/// use tachograph::profile::{ProfileOptions, Profiler, Sizes};
///
/// let profiler = Profiler::new(ProfileOptions::default());
/// profiler.start("/scene", Method::Post).finish(200, Sizes::default());
/// let file = pprof(&profiler.profiles()); // for `go tool pprof -http=: FILE`
/// assert_eq!(file[..2], [0x1f, 0x8b]);
/// ```
pub fn pprof(profiles: &[RequestProfile]) -> Vec<u8> {
    let mut groups: BTreeMap<(&str, &str, u16), Vec<&RequestProfile>> = BTreeMap::new();
    for profile in profiles {
        let group = groups.entry((&profile.endpoint, profile.method.as_str(), profile.status)).or_default();
        group.push(profile);
    }
    let mut tables = Tables::default();
    let mut out = Message::default();
    let mut value_type = |tables: &mut Tables, name: &str, unit: &str| {
        let (name, unit) = (tables.string(name), tables.string(unit));
        out.message(1, |value_type| {
            value_type.int64(1, name);
            value_type.int64(2, unit);
        });
        name
    };
    value_type(&mut tables, "requests", "count");
    let time = value_type(&mut tables, "time", "nanoseconds");
    for ((endpoint, method, status), group) in groups {
        let labels = [("endpoint", endpoint), ("method", method), ("status", &status.to_string())];
        let labels = labels.map(|(key, value)| (tables.string(key), tables.string(&name::on_a_line(value))));
        let mut sample = |locations: &[u64], values: [i64; 2]| {
            out.message(2, |sample| {
                sample.uint64s(1, locations);
                sample.int64s(2, &values);
                for (key, value) in labels {
                    sample.message(3, |label| {
                        label.int64(1, key);
                        label.int64(2, value);
                    });
                }
            });
        };
        let count = i64::try_from(group.len()).unwrap_or(i64::MAX);
        // The leaf first.
        let mut locations: Vec<u64> = Vec::new();
        FlameGraph::merged(group).stacks(|stack| {
            let frame = stack[stack.len() - 1];
            locations.drain(..locations.len() + 1 - stack.len());
            locations.insert(0, tables.function(&name::last_of(stack)));
            if stack.len() == 1 {
                sample(&locations, [count, 0]);
            }
            if frame.own > 0 {
                sample(&locations, [0, i64::try_from(frame.own).unwrap_or(i64::MAX)]);
            }
        });
    }
    tables.write(&mut out);
    if let Some((began, took)) = span_of(profiles) {
        out.int64(9, began);
        out.int64(10, took);
    }
    out.int64(14, time);
    gzip(&out.0)
}

/// When the first one began, in nanoseconds of the Unix clock, and how long it was until the last one ended.
fn span_of(profiles: &[RequestProfile]) -> Option<(i64, i64)> {
    let since_epoch = |profile: &RequestProfile| profile.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    let began = profiles.iter().map(since_epoch).min()?;
    let ended = profiles.iter().map(|profile| since_epoch(profile).saturating_add(profile.duration)).max()?;
    Some((nanos(began), nanos(ended.saturating_sub(began))))
}

/// What samples refer to by number.
#[derive(Debug, Default)]
struct Tables {
    /// The strings but for the first one, which is empty: the number of each is its place and 1.
    strings: Vec<String>,
    string_numbers: HashMap<String, i64>,
    /// The name of each function by its number as a string. The number of a function, and of its only location, is its place
    /// and 1.
    functions: Vec<i64>,
    function_numbers: HashMap<i64, u64>,
}

impl Tables {
    fn string(&mut self, text: &str) -> i64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(number) = self.string_numbers.get(text) {
            return *number;
        }
        self.strings.push(text.to_owned());
        let number = self.strings.len() as i64;
        self.string_numbers.insert(text.to_owned(), number);
        number
    }

    fn function(&mut self, name: &str) -> u64 {
        // A function without a name is one that pprof does not know.
        let name = self.string(if name.is_empty() { "_" } else { name });
        *self.function_numbers.entry(name).or_insert_with(|| {
            self.functions.push(name);
            self.functions.len() as u64
        })
    }

    fn write(&mut self, out: &mut Message) {
        let program = self.string("tachograph");
        // Says that there is nothing left to look up in a binary.
        out.message(3, |mapping| {
            mapping.uint64(1, 1);
            mapping.int64(5, program);
            mapping.uint64(7, 1);
        });
        for (number, name) in (1..).zip(&self.functions) {
            out.message(4, |location| {
                location.uint64(1, number);
                location.uint64(2, 1);
                location.message(4, |line| line.uint64(1, number));
            });
            out.message(5, |function| {
                function.uint64(1, number);
                function.int64(2, *name);
                function.int64(3, *name);
            });
        }
        out.bytes(6, b"");
        self.strings.iter().for_each(|text| out.bytes(6, text.as_bytes()));
    }
}

#[cfg(all(test, not(tachograph_loom)))]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::profile::flame::handmade::{request, requests, scene};

    /// `profile.proto`, the fields that are written.
    #[derive(prost::Message)]
    struct Profile {
        #[prost(message, repeated, tag = "1")]
        sample_type: Vec<Pair>,
        #[prost(message, repeated, tag = "2")]
        sample: Vec<Sample>,
        #[prost(message, repeated, tag = "4")]
        location: Vec<Location>,
        #[prost(message, repeated, tag = "5")]
        function: Vec<Pair>,
        #[prost(string, repeated, tag = "6")]
        string_table: Vec<String>,
        #[prost(int64, tag = "9")]
        time_nanos: i64,
        #[prost(int64, tag = "10")]
        duration_nanos: i64,
        #[prost(int64, tag = "14")]
        default_sample_type: i64,
    }

    /// A type and its unit, the key of a label and its value, the number of a function and its name.
    #[derive(prost::Message)]
    struct Pair {
        #[prost(int64, tag = "1")]
        first: i64,
        #[prost(int64, tag = "2")]
        second: i64,
    }

    #[derive(prost::Message)]
    struct Sample {
        #[prost(uint64, repeated, tag = "1")]
        location_id: Vec<u64>,
        #[prost(int64, repeated, tag = "2")]
        value: Vec<i64>,
        #[prost(message, repeated, tag = "3")]
        label: Vec<Pair>,
    }

    #[derive(prost::Message)]
    struct Location {
        #[prost(uint64, tag = "1")]
        id: u64,
        #[prost(message, repeated, tag = "4")]
        line: Vec<Pair>,
    }

    impl Profile {
        fn of(profiles: &[RequestProfile]) -> Self {
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(&*pprof(profiles)).read_to_end(&mut bytes).expect("gzip");
            Self::decode(&*bytes).expect("a profile")
        }

        fn text(&self, number: i64) -> &str {
            &self.string_table[usize::try_from(number).expect("a place")]
        }

        fn function(&self, location: u64) -> &str {
            let line = &self.location.iter().find(|known| known.id == location).expect("a location").line[0];
            self.text(self.function.iter().find(|function| function.first == line.first).expect("a function").second)
        }

        /// Stack from the route on, values and labels.
        fn samples(&self) -> Vec<(String, [i64; 2], String)> {
            let samples = self.sample.iter().map(|sample| {
                let stack: Vec<_> = sample.location_id.iter().rev().map(|location| self.function(*location)).collect();
                let label = |pair: &Pair| format!("{}={}", self.text(pair.first), self.text(pair.second));
                let labels: Vec<_> = sample.label.iter().map(label).collect();
                (stack.join(";"), sample.value[..].try_into().expect("two values"), labels.join(" "))
            });
            samples.collect()
        }
    }

    #[test]
    fn a_sample_is_a_stack_with_its_own_time_and_what_the_request_was() {
        let mut failed = request("/scene", 500, &[("file_io", None, 0, 400)]);
        failed.status = 503;
        failed.started_at += Duration::from_secs(1);
        let profile = Profile::of(&[scene(), failed, scene()]);
        let types: Vec<_> =
            profile.sample_type.iter().map(|pair| (profile.text(pair.first), profile.text(pair.second))).collect();
        assert_eq!(types, [("requests", "count"), ("time", "nanoseconds")]);
        assert_eq!(profile.text(profile.default_sample_type), "time");
        assert_eq!((profile.time_nanos, profile.duration_nanos), (1_733_158_245_123_456_789, 1_000_000_500));
        assert_eq!(profile.string_table[0], "");
        let samples = profile.samples();
        let (ok, not_ok) = ("endpoint=/scene method=POST status=200", "endpoint=/scene method=POST status=503");
        for (stack, values, labels) in [
            ("POST /scene", [2, 0], ok),
            ("POST /scene;file_io", [0, 2 * 8_300_000], ok),
            ("POST /scene;file_io;fsync", [0, 2 * 90_000_000], ok),
            ("POST /scene", [1, 0], not_ok),
            ("POST /scene;file_io", [0, 400], not_ok),
            ("POST /scene;unaccounted", [0, 100], not_ok),
        ] {
            assert!(samples.contains(&(stack.to_owned(), values, labels.to_owned())), "{stack}: {samples:?}");
        }
        assert_eq!(samples.len(), 1 + 6 + 1 + 2);
        assert_eq!(Profile::of(&[]).samples(), []);
    }

    proptest! {
        #[test]
        fn values_add_up_to_the_requests_and_their_durations(profiles in requests()) {
            let profile = Profile::of(&profiles);
            let samples = profile.samples();
            let sum = |value: usize| samples.iter().map(|(_, values, _)| values[value]).sum::<i64>();
            let nanos: u128 = profiles.iter().map(|profile| profile.duration.as_nanos()).sum();
            prop_assert_eq!((sum(0) as usize, sum(1) as u128), (profiles.len(), nanos));
            let on_lines = |text: &String| !text.contains(|c: char| c != ' ' && (c.is_control() || c.is_whitespace()));
            prop_assert!(profile.string_table.iter().all(on_lines), "{:?}", profile.string_table);
        }
    }
}
