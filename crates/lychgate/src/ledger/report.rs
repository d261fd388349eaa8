//! What a ledger says, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use lychgate_store::ledger::{Life, Loss, Lost};
use serde::Serialize;

use super::forecast::{Forecast, LEAST_DAYS, LEAST_USERS, Observed, Range};
use super::model::{DAY, Doubt, Tally, Total, day, real};
use super::reason::Reason;

/// Up to so many days a line of the curve is a week, beyond a month.
const WEEKS_UP_TO: i64 = 26 * 7;
/// Days of the forecast.
const AHEAD: [u32; 4] = [30, 90, 180, 365];
/// What is further away than so many days is no date.
const FARTHEST: f64 = 10.0 * 365.25;

/// The whole of it.
#[derive(Serialize)]
pub(crate) struct Report {
    started: String,
    alive: String,
    days: i64,
    complete: bool,
    gaps: Vec<Gap>,
    users: Users,
    periods: Vec<Period>,
    forecast: Option<Ahead>,
    no_forecast_because: Option<String>,
    safe_to_disconnect: bool,
    because: Vec<Reason>,
}

#[derive(Serialize)]
struct Gap {
    cause: &'static str,
    since: String,
    until: String,
    times: i64,
}

#[derive(Serialize)]
struct Users {
    total: Option<u64>,
    moved: u64,
    came_back: u64,
    only_asked_for: u64,
    not_seen: Option<u64>,
    others: u64,
}

#[derive(Serialize)]
struct Period {
    begins: String,
    first_seen: u64,
    last_seen: u64,
}

#[derive(Serialize)]
struct Ahead {
    left: Vec<Left>,
    end: End,
}

#[derive(Serialize)]
struct Left {
    in_days: u32,
    likely: u64,
    low: u64,
    high: u64,
}

/// Dates, where they are within ten years.
#[derive(Serialize)]
struct End {
    earliest: Option<String>,
    likely: Option<String>,
    latest: Option<String>,
}

impl Report {
    /// Puts together what was found.
    pub(crate) fn new(
        life: &Life,
        tally: &Tally,
        total: Total,
        doubts: &[Doubt],
        now: i64,
    ) -> Self {
        let gap = |(loss, lost): (&Loss, &Lost)| Gap {
            cause: loss.name(),
            since: moment(lost.since),
            until: moment(lost.until),
            times: lost.times,
        };
        let total = match total {
            Total::Listed(number) | Total::Told(number) => Some(number),
            Total::Unknown => None,
        };
        let days = (now.saturating_sub(life.started) / DAY).max(0);
        let left = total.map(|total| total.saturating_sub(tally.logged_in()));
        let forecast = ahead(life, tally, left, now);
        Self {
            started: moment(life.started),
            alive: moment(life.alive),
            days,
            complete: life.losses.is_empty(),
            gaps: life.losses.iter().map(gap).collect(),
            users: Users {
                total,
                moved: tally.moved,
                came_back: tally.came_back,
                only_asked_for: tally.only_asked,
                not_seen: left.map(|left| left.saturating_sub(tally.only_asked)),
                others: tally.others,
            },
            periods: periods(tally, days),
            no_forecast_because: forecast.as_ref().err().cloned(),
            forecast: forecast.ok(),
            safe_to_disconnect: doubts.is_empty(),
            because: doubts.iter().map(Reason::of).collect(),
        }
    }

    /// Whether the store may be disconnected.
    pub(crate) fn is_safe(&self) -> bool {
        self.safe_to_disconnect
    }

    /// Writes one JSON document.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes it for people.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let whole = if self.complete {
            "without a gap"
        } else {
            "with gaps"
        };
        let Self { started, days, .. } = self;
        writeln!(out, "kept since {started}, {days} days, {whole}")?;
        for Gap {
            cause,
            since,
            until,
            times,
        } in &self.gaps
        {
            writeln!(out, "  {cause}, {times} times between {since} and {until}")?;
        }
        self.users.write_text(out)?;
        if !self.periods.is_empty() {
            writeln!(out, "\nbegins       first seen   last seen")?;
        }
        for Period {
            begins,
            first_seen,
            last_seen,
        } in &self.periods
        {
            writeln!(out, "{begins} {first_seen:12} {last_seen:11}")?;
        }
        match (&self.forecast, &self.no_forecast_because) {
            (Some(ahead), _) => ahead.write_text(out)?,
            (None, because) => {
                let because = because.as_deref().unwrap_or_default();
                writeln!(out, "\nno forecast: {because}")?;
            }
        }
        if self.safe_to_disconnect {
            return writeln!(out, "\nsafe to disconnect: yes");
        }
        writeln!(out, "\nsafe to disconnect: no, because")?;
        for Reason { what, mend, .. } in &self.because {
            writeln!(out, "- {what}\n  {mend}")?;
        }
        Ok(())
    }
}

impl Users {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let number = |number: Option<u64>| number.map_or("unknown".to_owned(), |n| n.to_string());
        let Self {
            moved,
            came_back,
            only_asked_for,
            others,
            ..
        } = self;
        writeln!(out, "\nusers            {:>9}", number(self.total))?;
        writeln!(out, "  moved          {moved:9}")?;
        writeln!(out, "  came back      {came_back:9}")?;
        writeln!(out, "  only asked for {only_asked_for:9}")?;
        writeln!(out, "  not seen       {:>9}", number(self.not_seen))?;
        if *others > 0 {
            writeln!(out, "beside them      {others:9}")?;
        }
        Ok(())
    }
}

impl Ahead {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\nif it goes on like this, with 95 % confidence in the curve"
        )?;
        for Left {
            in_days,
            likely,
            low,
            high,
        } in &self.left
        {
            writeln!(
                out,
                "  in {in_days:3} days {likely:9} left ({low} to {high})"
            )?;
        }
        let End {
            earliest,
            likely,
            latest,
        } = &self.end;
        let date = |date: &Option<String>| date.clone().unwrap_or("not within ten years".into());
        let (likely, earliest, latest) = (date(likely), date(earliest), date(latest));
        writeln!(out, "  the last user: {likely} ({earliest} to {latest})")
    }
}

fn ahead(life: &Life, tally: &Tally, left: Option<u64>, now: i64) -> Result<Ahead, String> {
    let left = left.ok_or("nobody has said how many users there are")?;
    if left == 0 {
        return Err("everybody has logged in".to_owned());
    }
    let observed = Observed {
        first_logins: &tally.first_logins,
        begun: real(life.started) / real(DAY),
        days: real(now.saturating_sub(life.started)) / real(DAY),
        left,
    };
    let forecast = Forecast::of(&observed)
        .ok_or_else(|| format!("none before {LEAST_DAYS} days and {LEAST_USERS} logins"))?;
    let left = AHEAD.map(|in_days| {
        let Range { low, best, high } = forecast.left_in(f64::from(in_days));
        Left {
            in_days,
            likely: whole(best.round()),
            low: whole(low.floor()),
            high: whole(high.ceil()),
        }
    });
    let Range { low, best, high } = forecast.days_to_the_end();
    let end = |days: f64| {
        (days <= FARTHEST)
            .then(|| date(now.saturating_add(i64::try_from(whole(days)).unwrap_or(0) * DAY)))
    };
    Ok(Ahead {
        left: left.into(),
        end: End {
            earliest: end(low),
            likely: end(best),
            latest: end(high),
        },
    })
}

/// First and last logins by week or month, from the first to the last in which there is one.
fn periods(tally: &Tally, days: i64) -> Vec<Period> {
    let begin = |day: i64| {
        if days <= WEEKS_UP_TO {
            // Day 0 was a Thursday.
            date((day - (day + 3).rem_euclid(7)) * DAY)
        } else {
            date(day * DAY).get(..7).unwrap_or_default().to_owned() + "-01"
        }
    };
    let mut periods: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (&day, count) in &tally.first_logins {
        periods.entry(begin(day)).or_default().0 += count;
    }
    for (&day, count) in &tally.last_hits {
        periods.entry(begin(day)).or_default().1 += count;
    }
    let period = |(begins, (first_seen, last_seen))| Period {
        begins,
        first_seen,
        last_seen,
    };
    periods.into_iter().map(period).collect()
}

/// RFC 3339, in UTC; of the year 1970 or later.
pub(super) fn moment(at: i64) -> String {
    let since = Duration::from_secs(u64::try_from(at).unwrap_or(0));
    // What is later than the year 9999 has no such text.
    let latest = Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since.min(latest)).to_string()
}

fn date(at: i64) -> String {
    moment(day(at).saturating_mul(DAY))
        .chars()
        .take(10)
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of users and days, which are not negative; what is beyond is the most there is"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
