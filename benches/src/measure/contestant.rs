//! The servers that are compared, and in which works.

use super::work::Work;
use crate::arguments::{Mode, Style};
use crate::load::Shape;

/// One server.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// What it is called, in the tables and on the command line.
    pub name: &'static str,
    /// The program, and what it is told besides the work.
    pub program: &'static str,
    /// The option that chooses it, and its value.
    pub choice: [&'static str; 2],
    /// How it takes lines.
    pub style: Style,
    mode: Option<Mode>,
}

impl Contestant {
    const fn ours(name: &'static str, adapter: &'static str, style: Style) -> Self {
        Self { name, program: "server", choice: ["--adapter", adapter], style, mode: None }
    }

    const fn peer(name: &'static str, peer: &'static str, style: Style, mode: Mode) -> Self {
        Self { name, program: "peer-server", choice: ["--peer", peer], style, mode: Some(mode) }
    }

    /// Whether it is of this project.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.mode.is_none()
    }

    /// Whether the others are measured by it: epoll by hand.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.name.starts_with("epoll")
    }
}

/// Those of one style differ from those of the other where several lines come at once.
const ALL: [Contestant; 18] = [
    Contestant::ours("asyncnet-tokio", "tokio", Style::Await),
    Contestant::ours("asyncnet-tokio burst", "tokio", Style::Burst),
    Contestant::ours("asyncnet-smol", "smol", Style::Await),
    Contestant::ours("asyncnet-smol burst", "smol", Style::Burst),
    Contestant::peer("tokio-bufreader", "tokio-bufreader", Style::Await, Mode::Plain),
    Contestant::peer("tokio-bufreader burst", "tokio-bufreader", Style::Burst, Mode::Plain),
    Contestant::peer("tokio-util-lines", "tokio-util-lines", Style::Await, Mode::Plain),
    Contestant::peer("tokio-util-lines burst", "tokio-util-lines", Style::Burst, Mode::Plain),
    Contestant::peer("smol-futures-lite", "smol-futures-lite", Style::Await, Mode::Plain),
    Contestant::peer("smol-futures-lite burst", "smol-futures-lite", Style::Burst, Mode::Plain),
    Contestant::peer("std-threads", "std-threads", Style::Await, Mode::Plain),
    Contestant::peer("std-threads burst", "std-threads", Style::Burst, Mode::Plain),
    Contestant::peer("tokio-rustls", "tokio-rustls", Style::Await, Mode::Tls),
    Contestant::peer("tokio-rustls burst", "tokio-rustls", Style::Burst, Mode::Tls),
    Contestant::peer("smol-futures-rustls", "smol-futures-rustls", Style::Await, Mode::Tls),
    Contestant::peer("smol-futures-rustls burst", "smol-futures-rustls", Style::Burst, Mode::Tls),
    Contestant::peer("epoll", "epoll", Style::Burst, Mode::Plain),
    Contestant::peer("epoll-rustls", "epoll-rustls", Style::Burst, Mode::Tls),
];

/// The servers that take part in a work.
#[must_use]
pub fn contestants(work: &Work) -> Vec<Contestant> {
    let styles = match work.amount.shape {
        Shape::Echo => work.amount.lines > 1,
        Shape::Sink => true,
        _ => false,
    };
    let takes_part = |contestant: &Contestant| {
        let codec = contestant.name.starts_with("tokio-util-lines");
        let has_work = !codec || matches!(work.amount.shape, Shape::Echo | Shape::Sink);
        let in_style = styles || contestant.style == Style::Await || contestant.is_limit();
        contestant.mode.is_none_or(|mode| mode == work.mode) && has_work && in_style
    };
    ALL.into_iter().filter(takes_part).collect()
}

/// The servers whose idle connections are weighed, and that are tried with many of them beside.
#[must_use]
pub fn growing(mode: Mode) -> Vec<Contestant> {
    let takes_part = |contestant: &Contestant| {
        let threads = contestant.name.starts_with("std-threads");
        let in_style = contestant.style == Style::Await || contestant.is_ours() || contestant.is_limit();
        contestant.mode.is_none_or(|of| of == mode) && !threads && in_style
    };
    ALL.into_iter().filter(takes_part).collect()
}
