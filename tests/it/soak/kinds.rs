//! The random commands: a table of kinds, drawn by weight.

use engine::command::rows;
use serde_json::json;

/// Chance by a seed, the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A whole number of `-most..=most`.
    fn within(&mut self, most: i64) -> i64 {
        self.below(2 * most as usize + 1) as i64 - most
    }

    fn beam(&mut self) -> &'static str {
        self.of(&["electron", "ion"])
    }
}

/// How often, and what. `DIR` stands for a folder of the sequence's own; in `JOB @S LINE` the line is sent S seconds after the
/// job, while that is under way.
pub type Kind = (usize, fn(&mut Dice) -> String);

pub const KINDS: &[Kind] = &[
    (24, |d| {
        format!("stage.move-relative x={}um y={}um", d.within(300), d.within(300))
    }),
    (10, |d| format!("stage.move-relative z={}um", d.within(400))),
    // anywhere within the limits, and beyond
    (4, |d| format!("stage.move-absolute t={}deg", d.below(102) as i64 - 10)),
    (4, |d| format!("stage.move-absolute r={}deg", d.within(360))),
    (3, |d| {
        format!(
            "stage.move-absolute x={}mm y={}mm z={}mm",
            d.within(60),
            d.within(60),
            d.below(14)
        )
    }),
    (3, |d| {
        format!(
            "stage.move-absolute x={}um y={}um z={}um r={}deg t={}deg",
            d.within(100_000),
            d.within(100_000),
            d.below(9_500),
            d.within(360),
            d.below(102) as i64 - 10
        )
    }),
    (6, |d| {
        format!("stage.move-absolute z={}um t={}deg", d.below(9_500), d.below(70))
    }),
    (4, |d| {
        format!("stage.move-absolute r={}deg t={}deg", d.within(180), d.below(60))
    }),
    (4, |d| {
        format!("stage.safe-move r={}deg t={}deg", d.within(180), d.below(60))
    }),
    // back to where the work is done
    (8, |_| "stage.safe-move x=0 y=0 z=4mm r=0 t=35deg".to_owned()),
    (12, |d| {
        format!(
            "stage.stable-move dx={}um dy={}um beam={}",
            d.within(80),
            d.within(80),
            d.beam()
        )
    }),
    (6, |d| {
        let exact = d.of(&[true, false]);
        format!("stage.vertical-move dy={}um exact={exact}", d.within(60))
    }),
    (4, |d| {
        format!(
            "stage.center-on x={}um y={}um beam={}",
            d.within(70),
            d.within(50),
            d.beam()
        )
    }),
    (4, |d| {
        format!("stage.orientation name={}", d.of(&["SEM", "FIB", "MILLING", "FM"]))
    }),
    (4, |d| format!("stage.milling-angle angle={}deg", 5 + d.below(40))),
    (2, |d| format!("stage.flat-to beam={}", d.beam())),
    (6, |d| {
        let axis = d.of(&["x", "y", "z", "r", "t"]);
        format!("stage.jog axis={axis} step={:e}", d.within(20) as f64 * 1e-6)
    }),
    (4, |d| format!("position.save name=p{}", d.below(4))),
    (5, |d| format!("position.go name=p{}", d.below(5))),
    (2, |d| format!("position.remove name=p{}", d.below(4))),
    (8, |d| {
        let deed = d.of(&["on", "off", "blank", "unblank", "unblank"]);
        format!("beam.{deed} beam={}", d.of(&["electron", "ion", "both"]))
    }),
    (6, |d| {
        format!(
            "beam.shift dx={}um dy={}um beam={}",
            d.within(40),
            d.within(40),
            d.beam()
        )
    }),
    (3, |d| format!("beam.reset-shift beam={}", d.beam())),
    (10, |d| {
        let key = d.of(&[
            "hfw value=80um",
            "hfw value=400um",
            "working_distance value=7.1mm",
            "current value=50pA",
            "current value=0.74nA",
            "voltage value=5kV",
            "voltage value=30kV",
            "scan_rotation value=180deg",
            "scan_rotation value=0deg",
            "dwell_time value=1us",
            "detector_contrast value=0.6",
        ]);
        format!("system.set key={key} beam={}", d.beam())
    }),
    (6, |d| {
        let hfw = d.of(&[40, 80, 150, 400]);
        format!(
            "image.acquire beam={} hfw={hfw}um resolution=384x256 save=false",
            d.beam()
        )
    }),
    (2, |d| {
        format!("image.live beam={} on={}", d.beam(), d.of(&["true", "false"]))
    }),
    (2, |d| format!("chamber.{}", d.of(&["pump", "pump", "vent"]))),
    (4, |_| "system.connect".to_owned()),
    (1, |_| "system.disconnect".to_owned()),
    (1, |_| "system.home".to_owned()),
    (4, |d| format!("system.wait seconds={}", d.below(120))),
    (2, |d| format!("system.capture path=DIR/state-{}.yaml", d.below(3))),
    (2, |d| format!("system.restore path=DIR/state-{}.yaml", d.below(4))),
    // the hands
    (8, load),
    (8, |d| while_it_runs(d, "milling.run")),
    (3, |d| while_it_runs(d, "gis.pattern gas=\"Pt dep\"")),
    (4, |d| {
        let line = format!("gis.deposit time={}s lower={}um", 1 + d.below(4), d.of(&[0, 100, 1000]));
        while_it_runs(d, &line)
    }),
    (2, |d| while_it_runs(d, "gis.sputter seconds=3s")),
    (4, |d| {
        let line = format!(
            "milling.spot-burn points=0.{},0.5;0.5,0.{} exposure_time={}s milling_current=20pA",
            d.below(10),
            d.below(10),
            1 + d.below(4)
        );
        while_it_runs(d, &line)
    }),
    (2, |_| "gis.insert port=Multichem".to_owned()),
    (2, |d| {
        format!("gis.heat port=Multichem on={}", d.of(&["true", "true", "false"]))
    }),
    (3, |d| {
        format!("gis.valve port=Multichem open={}", d.of(&["true", "true", "false"]))
    }),
    (2, |_| "gis.retract".to_owned()),
    (2, |_| "milling.clear".to_owned()),
    (8, |d| {
        let line = format!("manipulator.insert name={}", d.of(&["PARK", "PARK", "EUCENTRIC"]));
        while_it_runs(d, &line)
    }),
    (5, |d| while_it_runs(d, "manipulator.retract")),
    (6, |d| {
        format!(
            "manipulator.move-relative x={}um y={}um z={}um",
            d.within(40),
            d.within(40),
            d.within(60)
        )
    }),
    (4, |d| format!("manipulator.move-relative z=-{}um", 1 + d.below(9))),
    (4, |d| {
        format!(
            "manipulator.move-corrected dx={}um dy={}um beam={}",
            d.within(40),
            d.within(40),
            d.beam()
        )
    }),
    (2, |d| {
        format!(
            "manipulator.move-absolute x={}um y={}um z={}um",
            d.within(8_000),
            d.within(8_000),
            d.within(8_000)
        )
    }),
    (3, |d| {
        format!(
            "manipulator.go name={} dx={}um dz={}um",
            d.of(&["PARK", "EUCENTRIC"]),
            d.within(200),
            d.within(300)
        )
    }),
    (5, |d| format!("job.restore forget={}", d.of(&[false, false, true]))),
    (2, |d| {
        d.of(&["job.pause", "job.resume", "job.stop", "milling.pause", "milling.resume"])
            .to_owned()
    }),
    (3, |_| "stop".to_owned()),
    // what no console should let through
    (4, |d| {
        let nonsense = d.of(&[
            "stage.move-absolute x=10m",
            "stage.move-relative z=-1m",
            "stage.move-relative x=NaN",
            "stage.move-absolute t=170deg",
            "stage.mve x=1um",
            "image.acquire beam=proton",
            "image.acquire resolution=1000000x1000000",
            "system.set key=voltage value=1MV beam=ion",
            "beam.shift dx=1m beam=ion",
            "position.go name=nowhere",
        ]);
        nonsense.to_owned()
    }),
    // every command there is, as its documentation shows it
    (12, |d| {
        let examples: Vec<&str> = rows().map(|row| row.example).collect();
        d.of(&examples).replace("path=", "path=DIR/")
    }),
];

/// A small task at a current the column has or has not.
fn load(dice: &mut Dice) -> String {
    let stage = |dice: &mut Dice| {
        let current = dice.of(&[60e-12, 0.2e-9, 0.74e-9, 0.55e-9]);
        let pattern = match dice.below(3) {
            0 => json!({"name": "Rectangle", "width": 2e-6, "height": 1e-6, "depth": 0.1e-6}),
            1 => json!({"name": "Circle", "radius": 1e-6, "depth": 50e-9}),
            _ => json!({
                "name": "Trench", "width": 3e-6, "depth": 0.1e-6, "spacing": 1e-6, "upper_trench_height": 1e-6,
                "lower_trench_height": 1e-6, "cross_section": "CleaningCrossSection",
            }),
        };
        json!({
            "name": "a", "milling": {"milling_current": current, "milling_voltage": 30e3, "application_file": "Si"},
            "pattern": pattern, "strategy": {"name": "Standard", "config": {}},
        })
    };
    let stages: Vec<_> = (0..=dice.below(2)).map(|_| stage(dice)).collect();
    let task = json!({
        "name": "t", "field_of_view": dice.of(&[40e-6, 80e-6]), "channel": "ION", "alignment": {"enabled": false},
        "acquisition": {"acquire_sem": false, "acquire_fib": false, "acquire_final_image": false}, "stages": stages,
    });
    format!("milling.load task='{task}'")
}

/// Often with something that is sent while it is under way.
fn while_it_runs(dice: &mut Dice, job: &str) -> String {
    let meanwhile = dice.of(&[
        "",
        "",
        "stop",
        "job.stop",
        "job.pause",
        "milling.pause",
        "stage.move-relative x=10um",
        "beam.blank beam=ion",
        "system.set key=current value=0.2nA beam=ion",
    ]);
    match meanwhile {
        "" => job.to_owned(),
        line => format!("{job} @{} {line}", dice.of(&["0.2", "1", "2.5", "9"])),
    }
}

pub fn draw(dice: &mut Dice) -> String {
    let mut at = dice.below(KINDS.iter().map(|(weight, _)| weight).sum());
    for (weight, make) in KINDS {
        match at.checked_sub(*weight) {
            Some(rest) => at = rest,
            None => return make(dice),
        }
    }
    unreachable!("a weight below the sum of all falls on a row")
}
