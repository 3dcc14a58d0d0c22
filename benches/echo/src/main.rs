//! The same echo server on wsvet and on other crates: messages a second of processor time, and the
//! memory of idle connections. `--broadcast` measures one message to a thousand connections instead.
//! `--soak MINUTES` tries the server with a thousand clients of all kinds.
//!
//! ```sh
//! cargo run --release --manifest-path benches/echo/Cargo.toml
//! cargo run --release --manifest-path benches/echo/Cargo.toml -- --seconds 1 --rounds 1
//! cargo run --release --manifest-path benches/echo/Cargo.toml -- --only wsvet --load 1
//! cargo run --release --manifest-path benches/echo/Cargo.toml -- --soak 30
//! ```
//!
//! Each server is a process of its own with one thread; the load comes from this one. A message is
//! in flight until its echo is back. Linux only: processor time and memory are read from `/proc`.

mod broadcast;
mod load;
mod process;
mod servers;
mod soak;

use std::time::Duration;

use load::Load;
use process::Server;
use servers::{SERVERS, TASK};

/// How many clients there are, how many messages each keeps in flight, and how long they are.
const LOADS: [Load; 4] = [
    Load { clients: 64, in_flight: 64, len: 125 },
    Load { clients: 64, in_flight: 64, len: 16 << 10 },
    Load { clients: 64, in_flight: 1, len: 125 },
    Load { clients: 64, in_flight: 1, len: 16 << 10 },
];

/// How many connections stay idle.
const IDLE: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, name] = &arguments[..]
        && serve == "serve"
    {
        return servers::serve(name);
    }
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    if let minutes @ 1.. = number("--soak", 0) {
        if !soak::run(minutes) {
            std::process::exit(1);
        }
        return;
    }
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1)).map_or("", String::as_str);
    let servers: Vec<&str> = SERVERS.into_iter().filter(|name| name.contains(only)).collect();
    let (seconds, rounds) = (number("--seconds", 2), number("--rounds", 3));
    if arguments.iter().any(|argument| argument == "--broadcast") {
        return broadcast::run(seconds, rounds);
    }
    let loads = match number("--load", 0) as usize {
        _ if arguments.iter().any(|argument| argument == "--idle") => &[],
        0 => &LOADS[..],
        one => &LOADS[one - 1..one],
    };
    println!("messages in flight, length: best of {rounds} rounds of {seconds} s, in turns");
    for load in loads {
        let mut best = vec![(f64::INFINITY, 0.0); servers.len()];
        for _ in 0..rounds {
            for (best, name) in best.iter_mut().zip(&servers) {
                let server = Server::start(name);
                let before = server.processor_time();
                let messages = load.run(server.address(), Duration::from_secs(seconds));
                let after = server.processor_time();
                let [itself, kernel] = [0, 1].map(|i| {
                    let seconds = (after[i] - before[i]).as_secs_f64();
                    1e6 * seconds / messages as f64
                });
                if itself + kernel < best.0 {
                    *best = (itself + kernel, kernel);
                }
            }
        }
        let first = best.first().map_or(0.0, |(time, _)| *time);
        for (name, (time, kernel)) in servers.iter().zip(best) {
            let Load { clients, in_flight, len } = *load;
            let times = time / first;
            println!(
                "{clients} x {in_flight:<2} {len:>5} B  {name:<18} {time:>6.3} µs of processor time a \
                 message, {kernel:.3} of them the kernel's; the first handles {times:.2} times as many"
            );
        }
    }
    if arguments.iter().any(|argument| argument == "--load") {
        return;
    }
    for name in servers.into_iter().chain([TASK]) {
        let server = Server::start(name);
        let before = server.memory();
        let idle = load::connect(server.address(), IDLE);
        std::thread::sleep(Duration::from_millis(500));
        let bytes = server.memory().saturating_sub(before) as f64 / idle.len() as f64;
        println!("{IDLE} idle connections  {name:<18} {bytes:>6.0} B each, task included");
    }
}
