//! What a message costs a server, as counts: the difference between two of its lives, with few messages and with more.
//! What is done once is in both.

use super::{Contestant, Files, Server, Tool, Work, begin};
use crate::Fault;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a server under strace is left alone before each step: some ten system calls of one, of which each takes it
/// a tenth of a millisecond.
const REST: Duration = Duration::from_millis(2);

/// What each message costs, by the names that the tool has: system calls, `instructions`, or without a tool
/// `allocations`.
///
/// # Errors
///
/// When a server does not start, or not answer as it should, or the tool does not count.
pub fn a_message(
    tool: &Tool,
    contestant: &Contestant,
    work: &Work,
    files: &Files,
) -> Result<BTreeMap<String, f64>, Fault> {
    // With a rest before each, a quarter of them takes long enough.
    let messages = if matches!(tool, Tool::Strace(_)) { work.counted() / 4 } else { work.counted() };
    let few = life(tool, contestant, work, files, 0)?;
    let many = life(tool, contestant, work, files, messages)?;
    let difference = |(name, count): (&String, &u64)| {
        let before = few.get(name).copied().unwrap_or(0);
        (name.clone(), (*count as f64 - before as f64) / messages as f64)
    };
    Ok(many.iter().map(difference).collect())
}

/// What a server did in all its life, with so many messages in it.
fn life(
    tool: &Tool,
    contestant: &Contestant,
    work: &Work,
    files: &Files,
    messages: u64,
) -> Result<BTreeMap<String, u64>, Fault> {
    let (mut server, mut load) = begin(tool, contestant, work, files, 0)?;
    // In the first steps it learns how much there is to read at once.
    for _ in 0..4 {
        load.run(work.step())?;
    }
    if let Tool::Strace(_) = tool {
        load.rest_before_steps(REST);
    }
    load.run(messages)?;
    if let Tool::Bare = tool {
        let calls = server.allocations()?.calls;
        return Ok(BTreeMap::from([("allocations".to_owned(), calls)]));
    }
    // The server first, so that it sees no connection end.
    server.end()?;
    drop(load);
    tool.counted()
}

/// Bytes of heap that each of so many idle connections holds, after a line to and fro.
///
/// # Errors
///
/// When the server does not start, or not answer as it should.
pub fn idle_heap(contestant: &Contestant, work: &Work, files: &Files, idle: u32) -> Result<f64, Fault> {
    let live = |idle| -> Result<f64, Fault> {
        let (mut server, load): (Server, _) = begin(&Tool::Bare, contestant, work, files, idle)?;
        let live = server.allocations()?.live;
        drop(load);
        Ok(live as f64)
    };
    Ok((live(idle)? - live(0)?) / f64::from(idle))
}
