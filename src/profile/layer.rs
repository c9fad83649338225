//! The spans of a request as phases of its profile.
//!
//! Which phase of which profile a span is stands in its extensions: written when it is made, read when a span within it is
//! made, taken when it closes. The profile is held weakly: a span that somebody forgot must not keep a request from being
//! recorded.

use std::sync::{Arc, Weak};

use tracing::span::{Attributes, Id};
use tracing::subscriber::Subscriber;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{OpenProfile, scope};

/// Makes phases of the spans of a request.
///
/// A span belongs to the request in whose scope it is made ([`OpenProfile::scope`], [`OpenProfile::in_scope`]), and outside of
/// scopes to the request of the span that it is in: what is spawned takes its request along with its span. Make spans in the
/// future that is in the scope, for the one in `profile.scope(future.instrument(span))` is made before.
///
/// Its phase is a part of that of the span that it is in, and of those of guards that were opened there. A span with
/// `parent: None` is no phase: nobody wants it to be a part of anything.
///
/// The phase goes on from the making of the span to its closing, the waiting included. If the span outlives the request, it
/// ends with the request. There is room for sixteen phases, so choose spans by level or target, with a filter of this layer
/// alone.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tachograph::http::Method;
/// use tachograph::profile::{ProfileLayer, ProfileOptions, Profiler, Sizes};
/// use tracing::{Instrument, Level, debug_span, info_span};
/// use tracing_subscriber::{filter::Targets, prelude::*};
///
/// let mine = Targets::new().with_target(module_path!(), Level::INFO);
/// tracing_subscriber::registry().with(ProfileLayer::new().with_filter(mine)).init();
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let profiler = Profiler::new(ProfileOptions::default());
/// let profile = Arc::new(profiler.start("/scene", Method::Get));
/// let answer = async {
///     info_span!("check").in_scope(|| debug_span!("token").in_scope(|| ()));
///     let query = async { tokio::task::yield_now().instrument(info_span!("connect")).await };
///     query.instrument(info_span!("query")).await;
/// };
/// profile.clone().scope(answer).await;
/// profile.finish(200, Sizes::default());
///
/// let phases = &profiler.profiles()[0].phases;
/// let phases: Vec<_> = phases.iter().map(|phase| (&*phase.name, phase.parent)).collect();
/// assert_eq!(phases, [("check", None), ("query", None), ("connect", Some(1))]);
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileLayer(());

impl ProfileLayer {
    /// Makes the layer. One is enough for all profilers of the process; a second one changes nothing.
    pub const fn new() -> Self {
        Self(())
    }
}

/// The phase of a span.
#[derive(Debug)]
struct SpanPhase {
    profile: Weak<OpenProfile>,
    /// Its place; `None` of one that there was no room for.
    at: Option<u8>,
}

impl<S> Layer<S> for ProfileLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // A span whose parent was named belongs where its parent does.
        let here = if attributes.is_contextual() { scope::current() } else { None };
        let Some(span) = context.span(id) else { return };
        // The nearest one alone is asked: a span that is of a request has this in its extensions, room or not.
        let parent = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            let phase = extensions.get::<SpanPhase>()?;
            Some((phase.profile.upgrade()?, phase.at))
        });
        let (profile, parent) = match (here, parent) {
            (Some(here), Some((profile, at))) if Arc::ptr_eq(&here, &profile) => (here, at),
            // Nearer than the span around it, of another request, is the scope that was entered within it.
            (Some(here), _) => (here, None),
            (None, Some(parent)) => parent,
            (None, None) => return,
        };
        let mut extensions = span.extensions_mut();
        if profile.takes_phases() && extensions.get_mut::<SpanPhase>().is_none() {
            let at = profile.begin_span(span.name(), parent);
            extensions.insert(SpanPhase { profile: Arc::downgrade(&profile), at });
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(phase) = span.extensions_mut().remove::<SpanPhase>() else { return };
        if let (Some(profile), Some(at)) = (phase.profile.upgrade(), phase.at) {
            profile.end(at);
        }
    }
}
