//! Tables in Markdown, and the numbers in them.

use std::fmt;

/// A table with a heading, whose first column is text and whose others are numbers.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(title: impl Into<String>, head: &[&str]) -> Self {
        let head = head.iter().map(|&word| word.to_owned()).collect();
        Self { title: title.into(), head, rows: Vec::new() }
    }

    /// Adds a row, which has as many cells as the head.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// ```
/// use asyncnet_benches::measure::Table;
///
/// let mut table = Table::new("ping", &["server", "ns"]);
/// table.row(["epoll".to_owned(), "7".to_owned()]);
/// assert_eq!(table.to_string(), "### ping\n\n| server | ns |\n| --- | --: |\n| epoll | 7 |\n");
/// ```
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        writeln!(f, "| {} |", self.head.join(" | "))?;
        let rest = self.head.iter().skip(1).map(|_| " --: |").collect::<String>();
        writeln!(f, "| --- |{rest}")?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// The middle one; of an even number the mean of the two in the middle; 0 of none.
///
/// ```
/// use asyncnet_benches::measure::median;
///
/// assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
/// assert_eq!(median(&[4.0, 1.0]), 2.5);
/// ```
#[must_use]
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Three digits that count.
///
/// ```
/// use asyncnet_benches::measure::rounded;
///
/// assert_eq!(["12346", "123", "12.3", "1.23", "0.123"], [12345.6, 123.4, 12.34, 1.234, 0.1234].map(rounded)[..]);
/// ```
#[must_use]
pub fn rounded(number: f64) -> String {
    let digits = match number.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    format!("{number:.digits$}")
}
