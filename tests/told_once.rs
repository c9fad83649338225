//! What a collector does wrong is said once in the log, and counted each time.

use std::io;
use std::sync::{Arc, Mutex};

use tachograph::{Collector, Descriptor, Kind, RegisterError, Registry, Sink};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

struct Of(fn(&mut Sink<'_>), &'static str);

impl Collector for Of {
    fn describe(&self) -> Result<Vec<Descriptor>, RegisterError> {
        Ok(vec![Descriptor::new(self.1, Kind::Counter, "")?])
    }

    fn collect(&self, sink: &mut Sink<'_>) {
        (self.0)(sink);
    }
}

#[test]
fn what_a_collector_does_wrong_is_said_once_for_each_way() {
    let log = Log::default();
    tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).init();
    let registry = Registry::new();
    registry.register_engine_metrics().unwrap();
    registry.register_collector("frail", Of(|_| panic!("out of luck"), "frail_total")).unwrap();
    let sloppy = |sink: &mut Sink<'_>| {
        sink.counter_f64("sloppy_total", &[], f64::NAN);
        sink.counter_f64("sloppy_total", &[], -1.0);
    };
    registry.register_collector("sloppy", Of(sloppy, "sloppy_total")).unwrap();
    let hangs = |_: &mut Sink<'_>| loop {
        std::thread::park();
    };
    registry.register_collector("stuck", Of(hangs, "stuck_total")).unwrap();
    (0..5).for_each(|_| drop(registry.snapshot()));

    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = said.lines().filter(|line| line.contains("gave less than it should")).collect();
    let about = |words: &[&str]| lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(about(&["WARN", "collector=\"frail\"", "reason=\"panicked\"", "out of luck"]), 1, "{said}");
    assert_eq!(about(&["WARN", "collector=\"sloppy\"", "reason=\"refused\"", "NaN is no value of a counter"]), 1, "{said}");
    assert_eq!(about(&["WARN", "collector=\"stuck\"", "reason=\"late\"", "not done in time"]), 1, "{said}");
    let text = registry.snapshot().text().to_owned();
    for (collector, reason) in [("frail", "panicked"), ("sloppy", "refused"), ("stuck", "late")] {
        let counted = format!("tachograph_collector_failures_total{{collector=\"{collector}\",reason=\"{reason}\"}} 5\n");
        assert!(text.contains(&counted), "{text}");
    }
}
