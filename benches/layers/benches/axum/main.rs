//! A real server of axum under wrk: bare, and with each of the layers that record its requests, in turns.
//!
//! Each round starts a server process for each layer, lets it warm up and loads it. The server has one worker thread and wrk
//! another, so on two cores neither takes from the other. The handler does next to nothing: no real service has as large a share of layer.
#![forbid(unsafe_code)]

mod load;
mod server;

use clap::{Parser, ValueEnum};

use load::{Measured, round};
use server::Layers;

/// What the bench is asked for.
#[derive(Debug, Parser)]
struct Options {
    /// How often each server is measured, in turns.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long wrk loads a server, after a second of warming up.
    #[arg(long, default_value_t = 8)]
    seconds: u32,
    /// The connections of wrk.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// One round of a second: that all of it works and counts right.
    #[arg(long)]
    test: bool,
    /// Be the server with these layers. The bench starts itself so.
    #[arg(long, hide = true)]
    serve: Option<Layers>,
    /// What cargo gives to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let mut options = Options::parse();
    if let Some(layers) = options.serve {
        return server::serve(layers);
    }
    if options.test {
        (options.rounds, options.seconds) = (1, 1);
    }
    let mut measured = vec![Vec::new(); Layers::value_variants().len()];
    for _ in 0..options.rounds {
        for (layers, measured) in Layers::value_variants().iter().zip(&mut measured) {
            measured.push(round(*layers, options.connections, options.seconds));
        }
    }
    println!("{} rounds of {} s, {} connections; medians\n", options.rounds, options.seconds, options.connections);
    println!("| layers | requests a second | p99, ms | processor time a request, µs |\n|---|---|---|---|");
    for (layers, rounds) in Layers::value_variants().iter().zip(&measured) {
        let median = |of: fn(&Measured) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let [rate, p99, cpu] = [median(|it| it.rate), median(|it| it.p99_ms), median(|it| it.cpu_us)];
        println!("| {layers} | {rate:.0} | {p99:.3} | {cpu:.2} |");
    }
}
