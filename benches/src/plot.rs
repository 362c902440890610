//! A picture of the comparison: bars, made from the tables that `compare` prints.
//!
//! For each work there are bars for this project's servers on tokio and for the best peer, as multiples of epoll by hand.
//! What is longer than the picture is cut, and says how long it is.

use std::fmt::Write;

/// How many times epoll's own time a bar shows at most.
const TIMES_MAX: f64 = 2.5;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;
const TOP: f64 = 48.0;

/// One work: its title, and the bars with their lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What the work is.
    pub title: String,
    /// Servers, and how many times epoll's time each took.
    pub bars: Vec<(String, f64)>,
}

/// The works in a page of results that have a column "× epoll".
///
/// ```
/// use asyncnet_benches::plot::read;
///
/// let page = "### tls-put: bulk (best peer: b)\n\n| server | ns | × epoll | × best peer |\n| --- | --: | --: | --: |\n\
///     | asyncnet-tokio | 7 | 1.10 | 0.9 |\n| b | 8 | 1.20 | 1.0 |\n| c | 9 | 2.00 | 1.7 |\n";
/// let works = read(page);
/// assert_eq!(works.len(), 1);
/// assert_eq!(works[0].title, "tls-put: bulk");
/// assert_eq!(works[0].bars, [("asyncnet-tokio".to_owned(), 1.1), ("b".to_owned(), 1.2)]);
/// ```
#[must_use]
pub fn read(page: &str) -> Vec<Bars> {
    page.split("### ").filter_map(section).collect()
}

fn section(section: &str) -> Option<Bars> {
    let (head, table) = section.split_once('\n')?;
    let (title, best) = head.split_once(" (best peer: ")?;
    let best = best.trim_end_matches(')');
    let mut rows = table.lines().filter(|line| line.starts_with('|')).map(cells);
    let column = rows.next()?.iter().position(|name| *name == "× epoll")?;
    let bar = |row: Vec<&str>| {
        let name = *row.first()?;
        let shown = name.starts_with("asyncnet-tokio") || name == best;
        shown.then_some((name.to_owned(), row.get(column)?.parse().ok()?))
    };
    Some(Bars { title: title.to_owned(), bars: rows.filter_map(bar).collect() })
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// The picture, as SVG.
///
/// ```
/// use asyncnet_benches::plot::{Bars, draw};
///
/// let bars = vec![("a & b".to_owned(), 9.0)];
/// let picture = draw(&[Bars { title: "work".to_owned(), bars }]);
/// assert!(picture.starts_with("<svg") && picture.contains("a &amp; b") && picture.contains(">9.00<"));
/// ```
#[must_use]
pub fn draw(works: &[Bars]) -> String {
    let scale = (WIDTH - LEFT - 60.0) / TIMES_MAX;
    let mut body = String::new();
    let mut y = TOP;
    for work in works {
        body += &text(10.0, y + 10.0, "start", "bold", &work.title);
        y += BAR + 4.0;
        for (name, times) in &work.bars {
            let color = if name.starts_with("asyncnet") { "#2a7a4b" } else { "#9aa3ad" };
            let length = times.min(TIMES_MAX) * scale;
            body += &text(LEFT - 8.0, y + 10.0, "end", "normal", name);
            let shape = format!(r#"x="{LEFT}" y="{y:.1}" width="{length:.1}" height="{BAR}" fill="{color}""#);
            // A string takes all that is written to it.
            writeln!(body, "<rect {shape}/>").ok();
            body += &text(LEFT + length + 6.0, y + 10.0, "start", "normal", &format!("{times:.2}"));
            y += BAR + 2.0;
        }
        y += GAP;
    }
    let one = LEFT + scale;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="20" font-size="14" font-weight="bold">Processor time of the server, epoll by hand = 1: shorter is better</text>
<line x1="{one:.1}" y1="30" x2="{one:.1}" y2="{y:.0}" stroke="#444" stroke-dasharray="3 3"/>
{body}</svg>
"##
    )
}

fn text(x: f64, y: f64, anchor: &str, weight: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-weight=\"{weight}\">{words}</text>\n"
    )
}
