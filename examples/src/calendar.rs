//! What day it is: a time as year, month and day in the Gregorian calendar, and the time of day, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_SECONDS: i64 = 86_400;
/// 400 years have as many days, whichever they are, and begin on the same day of the week.
const DAYS_OF_400_YEARS: i64 = 146_097;

/// A second of UTC.
///
/// ```
/// use asyncnet_examples::calendar::Moment;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let leap_day = Moment::of(UNIX_EPOCH + Duration::from_secs(1_709_164_800));
/// assert_eq!((leap_day.year, leap_day.month, leap_day.day), (2024, 2, 29));
/// assert_eq!(leap_day.weekday, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The day of the week: 0 is Sunday.
    pub weekday: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
    /// From 0 to 59: UTC's leap seconds are not counted.
    pub second: u8,
}

impl Moment {
    /// The one that a time is in.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |before| -before),
        };
        Self::at(seconds)
    }

    /// The one so many seconds after the beginning of 1970.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "no part of a date is that large")]
    pub fn at(unix_seconds: i64) -> Self {
        let (days, of_day) = (unix_seconds.div_euclid(DAY_SECONDS), unix_seconds.rem_euclid(DAY_SECONDS));
        let (year, month, day) = date(days);
        let small = |n: i64| u8::try_from(n).expect("no part of a date has so many");
        Self {
            year,
            month,
            day: small(day),
            // That day was a Thursday.
            weekday: small((days + 4).rem_euclid(7)),
            hour: small(of_day / 3_600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
        }
    }
}

/// Year, month and day, so many days after 1970-01-01.
fn date(days: i64) -> (i64, u8, i64) {
    let (mut year, mut day) =
        (1970 + 400 * days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    // The last month takes what is left.
    for len in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < len {
            break;
        }
        (day, month) = (day - len, month + 1);
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn seconds() {
        // As `date --utc --date=@N '+%F %w %T'` says it.
        for (at, expected) in [
            (0, "1970-01-01 4 00:00:00"),
            (-1, "1969-12-31 3 23:59:59"),
            (-631_152_000, "1950-01-01 0 00:00:00"),
            (951_782_399, "2000-02-28 1 23:59:59"),
            (951_782_400, "2000-02-29 2 00:00:00"),
            (951_868_800, "2000-03-01 3 00:00:00"),
            (1_709_164_800, "2024-02-29 4 00:00:00"),
            (1_735_689_599, "2024-12-31 2 23:59:59"),
            (4_107_542_400, "2100-03-01 1 00:00:00"),
            (253_402_300_799, "9999-12-31 5 23:59:59"),
        ] {
            let Moment { year, month, day, weekday, hour, minute, second } = Moment::at(at);
            let said = format!("{year:04}-{month:02}-{day:02} {weekday} {hour:02}:{minute:02}:{second:02}");
            assert_eq!(said, expected);
        }
        // Those at the ends, which it does not know.
        assert_eq!(Moment::at(i64::MIN).year, -292_277_022_657);
        assert_eq!(Moment::at(i64::MAX).year, 292_277_026_596);
        assert_eq!(Moment::of(UNIX_EPOCH - Duration::from_secs(1)), Moment::at(-1));
    }
}
