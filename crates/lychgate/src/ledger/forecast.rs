//! How a migration goes on by itself: a curve through the first logins so far.
//!
//! People differ in how often they come. Those who come often log in first, so the hazard of the rest falls: if rates are
//! spread like a gamma distribution, the time to a first login follows a Lomax distribution, with the survival function
//! `(1 + t / scale) ^ -shape`. It is fitted by maximum likelihood, the users who have not come counted as censored, and
//! what is said is a range: that of all curves whose likelihood is within a 95 % interval of the best.

use std::collections::BTreeMap;

use super::model::real;

/// No forecast of less than this.
pub(crate) const LEAST_DAYS: i64 = 28;
/// No forecast of fewer than this.
pub(crate) const LEAST_USERS: u64 = 50;

/// Half the 95 % quantile of χ² with one degree of freedom.
const WITHIN: f64 = 1.921;
/// Scales that are tried, in units of the time observed: from one hundredth to thousand times.
const SCALES: i32 = 400;
/// Shapes that are tried on each side of the best one of a scale, up to a factor of e.
const SHAPES: i32 = 40;

/// What was observed.
pub(crate) struct Observed<'a> {
    /// First logins, by day since 1970.
    pub(crate) first_logins: &'a BTreeMap<i64, u64>,
    /// When the ledger was begun, in days since 1970 with their fraction.
    pub(crate) begun: f64,
    /// How many days it has been kept.
    pub(crate) days: f64,
    /// Users who have not logged in.
    pub(crate) left: u64,
}

/// A value with its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) best: f64,
    pub(crate) high: f64,
}

/// Every curve that fits.
pub(crate) struct Forecast {
    best: Curve,
    fitting: Vec<Curve>,
    days: f64,
    left: f64,
}

#[derive(Clone, Copy)]
struct Curve {
    scale: f64,
    shape: f64,
}

impl Forecast {
    /// Fits the curves; `None` where there is too little to go by.
    pub(crate) fn of(observed: &Observed<'_>) -> Option<Self> {
        let logins: u64 = observed.first_logins.values().sum();
        if observed.days < real(LEAST_DAYS) || logins < LEAST_USERS {
            return None;
        }
        // A day's logins stand in the middle of the day.
        let times: Vec<(f64, f64)> = observed
            .first_logins
            .iter()
            .map(|(&day, &count)| {
                let age = real(day) + 0.5 - observed.begun;
                (age.clamp(0.0, observed.days), real(count))
            })
            .collect();
        let (days, left, logins) = (observed.days, real(observed.left), real(logins));
        let mut tried = Vec::new();
        for step in 0..=SCALES {
            let scale = days * 10_f64.powf(5.0 * f64::from(step) / f64::from(SCALES) - 2.0);
            let seen: f64 = times.iter().map(|(t, n)| n * (t / scale).ln_1p()).sum();
            let exposure = seen + left * (days / scale).ln_1p();
            let best_shape = logins / exposure.max(f64::MIN_POSITIVE);
            for step in -SHAPES..=SHAPES {
                let shape = best_shape * (f64::from(step) / f64::from(SHAPES)).exp();
                let likelihood = logins * (shape.ln() - scale.ln()) - seen - shape * exposure;
                tried.push((likelihood, Curve { scale, shape }));
            }
        }
        let &(most, best) = tried
            .iter()
            .max_by(|one, other| one.0.total_cmp(&other.0))?;
        let fitting = tried
            .into_iter()
            .filter(|(likelihood, _)| *likelihood >= most - WITHIN)
            .map(|(_, curve)| curve)
            .collect();
        Some(Self {
            best,
            fitting,
            days,
            left,
        })
    }

    /// How many are left, so many days from now.
    pub(crate) fn left_in(&self, days: f64) -> Range {
        self.range(|curve| {
            let later = ((self.days + days) / curve.scale).ln_1p();
            let now = (self.days / curve.scale).ln_1p();
            self.left * (-curve.shape * (later - now)).exp()
        })
    }

    /// In how many days fewer than half a user is left; infinite where no number would do.
    pub(crate) fn days_to_the_end(&self) -> Range {
        self.range(|curve| {
            let now = (self.days / curve.scale).ln_1p();
            let end = now + (2.0 * self.left).max(1.0).ln() / curve.shape;
            (curve.scale * end.exp_m1() - self.days).max(0.0)
        })
    }

    fn range(&self, of: impl Fn(&Curve) -> f64) -> Range {
        let values = self.fitting.iter().map(&of);
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let best = of(&self.best);
        Range { low, best, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 1000 users, those who came on each day of 60, by a Lomax distribution of shape 1.2 and scale 20.
    const LOGINS: [u64; 60] = [
        57, 51, 46, 42, 38, 35, 32, 30, 28, 26, 24, 22, 21, 19, 18, 17, 16, 15, 14, 13, 13, 12, 11,
        11, 10, 10, 9, 9, 9, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4,
        4, 3, 3, 3, 3, 3, 3, 3,
    ];

    fn forecast(logins: &BTreeMap<i64, u64>, days: f64, left: u64) -> Option<Forecast> {
        Forecast::of(&Observed {
            first_logins: logins,
            begun: 0.0,
            days,
            left,
        })
    }

    #[test]
    fn it_agrees_with_the_censored_lomax_fit_of_another_implementation() {
        // SciPy 1.17, `lomax.fit(CensoredData(uncensored=…, right=…), floc=0)`: 1.19286, 19.9327; then `lomax.sf`.
        let logins = (0..).zip(LOGINS).collect();
        let forecast = forecast(&logins, 60.0, 191).unwrap();
        for (days, left) in [
            (30.0, 130.60),
            (90.0, 77.68),
            (180.0, 46.79),
            (365.0, 24.64),
        ] {
            let Range { low, best, high } = forecast.left_in(days);
            assert!((best / left - 1.0).abs() < 0.02, "{days}: {best}");
            assert!(low < left && left < high);
        }
        let Range { low, best, high } = forecast.days_to_the_end();
        assert!((best / 11_597.0 - 1.0).abs() < 0.1, "{best}");
        assert!(low < best && best < high);
    }

    #[test]
    fn its_range_holds_what_comes_in_nine_of_ten_populations() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            real(state >> 11) / real(1_u64 << 53)
        };
        let (users, scale, shape, days, ahead) = (800_u16, 30.0, 1.0, 90.0, 90.0);
        let mut held = 0;
        for _ in 0..100 {
            let mut logins: BTreeMap<i64, u64> = BTreeMap::new();
            for _ in 0..users {
                let time: f64 = scale * (random().powf(-1.0 / shape) - 1.0);
                if time < days {
                    let day = (0..90_i64).take_while(|day| real(*day) <= time).count() - 1;
                    *logins.entry(i64::try_from(day).unwrap()).or_default() += 1;
                }
            }
            let left = u64::from(users) - logins.values().sum::<u64>();
            let Range { low, high, .. } = forecast(&logins, days, left).unwrap().left_in(ahead);
            let survival = |t: f64| (1.0 + t / scale).powf(-shape);
            let expected = real(left) * survival(days + ahead) / survival(days);
            held += u32::from((low..=high).contains(&expected));
        }
        assert!(held >= 90, "{held} of 100");
    }

    #[test]
    fn there_is_none_of_too_few_days_or_users() {
        let logins = |number| BTreeMap::from([(0, number)]);
        assert!(forecast(&logins(1000), 27.9, 10).is_none());
        assert!(forecast(&logins(49), 100.0, 10).is_none());
        assert!(forecast(&logins(50), 28.0, 10).is_some());
    }

    #[test]
    fn no_numbers_make_it_anything_but_a_range() {
        for (day, days, left) in [
            (0, 28.0, 1),
            (0, 1e6, u64::MAX),
            (10_000_000, 30.0, 5),
            (-5, 30.0, 5),
        ] {
            let logins = BTreeMap::from([(day, 1_000_000)]);
            let forecast = forecast(&logins, days, left).unwrap();
            for Range { low, best, high } in [forecast.left_in(30.0), forecast.days_to_the_end()] {
                assert!(
                    low <= best && best <= high && low >= 0.0,
                    "{low} {best} {high}"
                );
            }
        }
    }
}
