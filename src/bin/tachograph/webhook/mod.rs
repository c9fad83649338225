//! `tachograph webhook`: receives Alertmanager's notifications, logs them, shows the last ones, and runs programs for them.
//!
//! `browser` refuses what a page may have sent, `notification` reads what is posted and cuts it to bounds, `recent` keeps the
//! last alerts, `programs` runs what is to be run, and `metrics` counts. An alert is written as JSON once, and that text is what is kept, shown and given to a program.

mod browser;
mod metrics;
mod notification;
mod programs;
mod recent;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{
    self, FailureLimit, Request, Response, Route, Routes, State, StatusCode, Token, Tokens, Unauthorized,
};

use crate::cli::WebhookOptions;
use crate::log::{self, Log};
use crate::serve::{CUT_SHORT, listen, to_the_end};
use crate::signals::{self, Hangups, Signals};
use crate::tokens::{self, TokenSource};
use metrics::Metrics;
use notification::{Alert, Status, TooMany};
use programs::{Programs, Workers};
use recent::Recent;

/// Bytes of a notification at most. Alertmanager sends about 1 KiB for each alert.
const MOST_BYTES: usize = 1 << 20;
/// Connections at once. Alertmanager needs one or two.
const MOST_CONNECTIONS: usize = 64;
/// How long the programs that run may go on once the server has ended.
const LAST_PROGRAMS: Duration = Duration::from_secs(5);

/// What the handlers share.
struct Receiver {
    tokens: Tokens,
    failures: FailureLimit,
    /// Whether it listens on loopback and asks for no token: then loopback's names alone are answered.
    loopback_alone: bool,
    run_resolved: bool,
    recent: Recent,
    programs: Programs,
    metrics: Metrics,
    http: HttpMetrics,
}

/// Receives until a signal comes, and returns the exit status.
pub(crate) fn serve(options: &WebhookOptions) -> ExitCode {
    to_the_end(log::start(options.log_level, options.log_format), 0, |log| run(options, log))
}

async fn run(options: &WebhookOptions, log: Log) -> Result<ExitCode, String> {
    let source = tokens_of(options)?;
    // Before the file is read: else the signal ends whoever waits for it.
    let hangups = source.may_change().then(Hangups::new).transpose()?;
    let tokens: Tokens = source.read()?.into_iter().collect();
    programs::check(&options.run)?;
    let signals = Signals::new()?;
    let listener = listen(options.listen).await?;
    let address = listener.local_addr().map_err(|cause| format!("the address cannot be told: {cause}"))?;
    let (state, workers) = state(options, &tokens, &log).map_err(|cause| cause.to_string())?;
    let mut out = std::io::stdout();
    // Nobody has to read it.
    let _closed = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    let signals = signals.count();
    signals::reload_at(hangups, move || source.reload(&tokens));
    let whole = async {
        let stopped = server::run(listener, state, signals.have_come(1)).await;
        workers.end(LAST_PROGRAMS).await;
        stopped
    };
    Ok(tokio::select! {
        stopped = whole => {
            tracing::info!(cut = stopped.cut, "stopped");
            ExitCode::SUCCESS
        }
        () = signals.have_come(2) => {
            tracing::warn!("stopped at once by a second signal");
            ExitCode::from(CUT_SHORT)
        }
    })
}

fn tokens_of(options: &WebhookOptions) -> Result<TokenSource, String> {
    let place = "--token or TACHOGRAPH_WEBHOOK_TOKEN";
    let source = TokenSource::new(&options.token, options.token_file.as_deref(), place)?;
    if source.is_given() || tokens::is_loopback(options.listen.ip()) {
        return Ok(source);
    }
    let (could, else_do) = match (options.run.is_empty(), options.allow_no_token) {
        (true, true) => return Ok(source),
        (true, false) => ("read and send alerts", "allow that with --allow-no-token"),
        (false, _) => ("run the programs", "leave out --run and allow the rest with --allow-no-token"),
    };
    Err(format!(
        "without a token everybody who reaches {} could {could}: choose one with --token-file or TACHOGRAPH_WEBHOOK_TOKEN, \
         listen on 127.0.0.1, or {else_do}",
        options.listen
    ))
}

fn state(options: &WebhookOptions, tokens: &Tokens, log: &Log) -> Result<(State, Workers), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    log.register_metrics(&registry)?;
    registry.register_process_metrics()?;
    let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    http.auth_attempts().handle([Token::SUCCESS]);
    for refused in Unauthorized::ALL {
        http.auth_attempts().handle([refused.label()]);
    }
    let metrics = Metrics::register(&registry)?;
    let failures = FailureLimit::per_minute(options.guesses.auth_failures);
    let (programs, workers) = programs::start(&options.run, Duration::from_millis(options.run_timeout), &metrics);
    let receiver = Arc::new(Receiver {
        loopback_alone: tokens.is_empty() && tokens::is_loopback(options.listen.ip()),
        tokens: tokens.clone(),
        failures: failures.clone(),
        run_resolved: options.run_resolved,
        recent: Recent::new(options.keep),
        programs,
        metrics,
        http: http.clone(),
    });
    let shown = Arc::clone(&receiver);
    let routes = Routes::new()
        .route(Route::get("/alerts").answers([401, 403, 429]), move |request| {
            let receiver = Arc::clone(&shown);
            async move { receiver.show(&request) }
        })
        .route(Route::post("/alerts").answers([401, 403, 408, 413, 415, 429]), move |request| {
            let receiver = Arc::clone(&receiver);
            async move { receiver.take(request).await }
        });
    let limits = server::Options {
        body_limit: MOST_BYTES,
        max_connections: MOST_CONNECTIONS,
        tokens: tokens.clone(),
        auth_failures: failures,
        trust_forwarded_for: options.guesses.trust_forwarded_for,
        ..server::Options::default()
    };
    Ok((State::new(&registry, &http, routes, limits)?, workers))
}

impl Receiver {
    fn show(&self, request: &Request) -> Response {
        self.refusal(request).unwrap_or_else(|| server::plain(StatusCode::OK, "application/json", self.recent.json()))
    }

    async fn take(&self, request: Request) -> Response {
        let answer = self.answer(request).await;
        if answer.status() != StatusCode::OK {
            self.metrics.refused.inc();
        }
        answer
    }

    async fn answer(&self, mut request: Request) -> Response {
        if let Some(refused) = self.refusal(&request) {
            return refused;
        }
        // An old browser says not where a page is from; but a page cannot send this type unasked.
        if !is_json(&request) {
            let told = "the body must be application/json, as Alertmanager sends it";
            return server::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, told);
        }
        let body = match request.body().await {
            Ok(body) => body,
            Err(cause) => {
                tracing::warn!(%cause, "a notification was refused");
                return cause.into();
            }
        };
        match notification::read(&body, SystemTime::now()) {
            Ok((alerts, too_many)) => {
                for alert in &alerts {
                    self.receive(alert);
                }
                self.tell_skipped(&too_many);
                self.metrics.accepted();
                server::json(StatusCode::OK, &serde_json::json!({ "alerts": alerts.len() }))
            }
            Err(told) => {
                tracing::warn!(cause = &*told, "a notification was refused");
                server::error(StatusCode::BAD_REQUEST, &told)
            }
        }
    }

    /// The answer to who may neither read nor send alerts; none for all others.
    fn refusal(&self, request: &Request) -> Option<Response> {
        if let Some(told) = browser::refusal(request, self.loopback_alone) {
            tracing::warn!(cause = told, "a request was refused");
            return Some(server::error(StatusCode::FORBIDDEN, told));
        }
        if self.tokens.is_empty() {
            return None;
        }
        let outcome = self.failures.judge(request.client(), self.tokens.check(request.headers()));
        self.http.auth_attempts().inc([outcome.map_or_else(Unauthorized::label, |()| Token::SUCCESS)]);
        outcome.err().map(Response::from)
    }

    fn receive(&self, alert: &Alert) {
        log_alert(alert);
        self.metrics.received(alert);
        let json: Arc<str> = serde_json::to_string(alert).expect("an alert is texts by name, which JSON can write").into();
        self.recent.push(Arc::clone(&json));
        if alert.status == Status::Firing || self.run_resolved {
            self.programs.offer(alert.name(), json);
        }
    }

    fn tell_skipped(&self, too_many: &TooMany) {
        self.metrics.skipped.inc_by(too_many.here);
        if too_many.here > 0 || too_many.at_alertmanager > 0 {
            let (here, at_alertmanager) = (too_many.here, too_many.at_alertmanager);
            tracing::warn!(here, at_alertmanager, "alerts of a notification were left out: group them otherwise");
        }
    }
}

fn is_json(request: &Request) -> bool {
    let field = request.headers().get(server::header::CONTENT_TYPE).and_then(|field| field.to_str().ok());
    let essence = field.and_then(|field| field.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Writes one line. The texts are an outsider's: written as they are debugged, they cannot begin a line of their own.
fn log_alert(alert: &Alert) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                status = alert.status.label(),
                alertname = alert.name(),
                severity = alert.severity(),
                instance = alert.label("instance"),
                summary = alert.annotation("summary"),
                runbook_url = alert.annotation("runbook_url"),
                "alert"
            )
        };
    }
    if alert.is_urgent() { line!(warn) } else { line!(info) }
}
