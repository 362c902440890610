//! What the commands of this package measure: which works, on which servers, and with which tools.
//!
//! A measurement starts a server of its own, and ends it: what one has done to a process is not another's. What it
//! prints is a table in Markdown on stdout; how far it is, it says on stderr.

mod contestant;
mod count;
mod server;
mod table;
mod tidy;
mod tool;
mod work;

pub use contestant::{Contestant, contestants, growing};
pub use count::{a_message, idle_heap};
pub use server::{Files, Server};
pub use table::{Table, median, rounded};
pub use tidy::{Folder, Running};
pub use tool::Tool;
pub use work::{WORKS, Work};

use crate::Fault;
use crate::load::{Load, Shape};
use clap::Args;

/// Which part of all there is.
#[derive(Clone, Debug, Args)]
pub struct Only {
    /// The works to do, each by a part of its name; all if none is given.
    #[arg(long, value_name = "WORK")]
    pub only: Vec<String>,

    /// The servers to do them on, or the clients to weigh, each by a part of its name; all if none is given.
    #[arg(long, value_name = "SERVER")]
    pub on: Vec<String>,

    /// Prints the names of works and servers, and does nothing else.
    #[arg(long)]
    pub list: bool,
}

impl Only {
    /// The works that are wanted.
    pub fn works(&self) -> impl Iterator<Item = &'static Work> {
        WORKS.iter().filter(|work| matches(&self.only, work.name))
    }

    /// The servers that are wanted for it.
    #[must_use]
    pub fn contestants(&self, work: &Work) -> Vec<Contestant> {
        contestants(work).into_iter().filter(|contestant| self.admits(contestant.name)).collect()
    }

    /// Whether a server, or a client, of this name is wanted.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        matches(&self.on, name)
    }

    /// What is wanted, as works and the names of who does them, in the order of the tables: of [`WORKS`] and of `others`,
    /// which only one command has.
    ///
    /// # Errors
    ///
    /// When that is nothing, or one of the words that say it names nothing of it.
    pub fn planned<'a>(&self, others: &[(&'a str, Vec<&'a str>)]) -> Result<Vec<(&'a str, &'a str)>, Fault> {
        let names = |work: &Work| contestants(work).iter().map(|contestant| contestant.name).collect();
        let all = WORKS.iter().map(|work| (work.name, names(work))).chain(others.iter().cloned());
        let wanted = all.filter(|(work, _)| matches(&self.only, work));
        let pairs = wanted.flat_map(|(work, names)| names.into_iter().map(move |name| (work, name)));
        let planned: Vec<_> = pairs.filter(|(_, name)| self.admits(name)).collect();
        ensure_named("--only", &self.only, |part| planned.iter().any(|(work, _)| work.contains(part)))?;
        ensure_named("--on", &self.on, |part| planned.iter().any(|(_, name)| name.contains(part)))?;
        Ok(planned)
    }
}

/// That each of the words of an option names something.
///
/// # Errors
///
/// When one does not.
pub fn ensure_named(option: &str, parts: &[String], is_named: impl Fn(&str) -> bool) -> Result<(), Fault> {
    match parts.iter().find(|part| !is_named(part)) {
        Some(part) => Err(format!("nothing is called so: {option} {part}; --list has the names").into()),
        None => Ok(()),
    }
}

fn matches(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
}

/// A server that was given its work once, so that whatever is done once is done, and the client that gives it more.
///
/// # Errors
///
/// When the server does not start, or not answer as it should.
pub fn begin(
    tool: &Tool,
    contestant: &Contestant,
    work: &Work,
    files: &Files,
    idle: u32,
) -> Result<(Server, Load), Fault> {
    let server = Server::start(tool, contestant, work, files)?;
    let mut amount = work.amount;
    amount.idle = idle;
    let mut load = Load::open(server.reach(work, files, amount.shape == Shape::Resume)?, amount)?;
    load.run(work.step())?;
    Ok((server, load))
}
