//! The tour: ten promises of the socket, each played on loopback and checked.
//!
//! A step plays both sides in one task, says on the page what each sent and saw, and checks what it says. It is no
//! test suite: `asyncnet-conformance` is.

mod counted;
mod datagram_steps;
mod moves;
mod page;
mod steps;
mod tls_steps;

pub use counted::{Counted, Counts};
pub use page::{Broken, Page};

use crate::program::{Failure, print};
use crate::runtime::{Runtime, within};
use asyncnet_driver::Timer;
use std::time::Duration;

/// How long all steps may take together. They take some milliseconds; this is for a step that hangs.
const TOUR_TIME_MAX: Duration = Duration::from_secs(8);

/// Plays the tour, and prints it step by step.
///
/// # Errors
///
/// The first thing that is not as promised; stdout that cannot be written to.
pub async fn play<R: Runtime>(net: R) -> Result<(), Failure> {
    let tour = Tour { net, timer: net.timer() };
    print(&format!("asyncnet on {}: ten promises of a line socket, on loopback.\n", R::ADAPTER))?;
    tour.step("1. A dialogue in lines, over TCP", steps::dialogue).await?;
    tour.step("2. A line over the limit", steps::over_long).await?;
    #[cfg(unix)]
    tour.step("3. Lines over a Unix socket", steps::unix).await?;
    #[cfg(not(unix))]
    print("\n3. Lines over a Unix socket\n   skipped: this system has none that a runtime offers\n")?;
    tour.step("4. A burst of lines, answered with one write", steps::burst).await?;
    tour.step("5. A receive that is given up", steps::cancelled).await?;
    tour.step("6. An end in the middle of a line", steps::cut_off).await?;
    tour.step("7. An upgrade to TLS in place (STARTTLS)", tls_steps::upgrade).await?;
    tour.step("8. A command slipped in behind STARTTLS", tls_steps::injected).await?;
    tour.step("9. A TLS stream that is cut", tls_steps::truncated).await?;
    tour.step("10. Datagrams, over UDP", datagram_steps::datagrams).await?;
    print(&format!("\nAll is as promised, on {}, in {} ms.\n", R::ADAPTER, tour.timer.now().as_millis()))
}

struct Tour<R: Runtime> {
    net: R,
    /// Its origin is the beginning of the tour.
    timer: R::Timer,
}

impl<R: Runtime> Tour<R> {
    async fn step(
        &self,
        title: &str,
        step: impl AsyncFnOnce(R, &mut Page) -> Result<(), Broken>,
    ) -> Result<(), Failure> {
        let mut page = Page::new(title);
        let left = TOUR_TIME_MAX.saturating_sub(self.timer.now());
        let played =
            within(self.net.timer(), left, step(self.net, &mut page)).await.unwrap_or(Err(Broken::Hung));
        if let Err(broken) = &played {
            page.broken(broken);
        }
        print(page.text())?;
        played.map_err(|broken| Failure::new(format!("step {title:?}, on {}", R::ADAPTER), broken))
    }
}
