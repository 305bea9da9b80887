//! Opening and leaving an instrument. Connecting only reads: what differs from the configuration is shown, not changed.

use super::act_log::Record;
use super::{Connected, Core, Speed, lock, recover, watch};
use crate::command::Failure;
use crate::event::{Compared, Connection, Event};
use hal::Scope;
use hal::drivers::{self, Opening};
use model::config::Instrument;
use model::{ErrorKind, MillingSettings, Notice, Severity};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Opens `instrument`, reads it, publishes it.
pub(crate) async fn connect(core: &Arc<Core>, instrument: Instrument) -> Result<Connection, Failure> {
    let same = lock(&core.connected)
        .as_ref()
        .is_some_and(|c| *c.instrument == instrument);
    if same && let Some(connection) = core.snapshot().connection.clone() {
        return Ok(connection);
    }
    if lock(&core.connected).is_some() {
        return Err(Failure::new(
            ErrorKind::Busy,
            "another instrument is connected; nothing was changed",
            "disconnect first (system.disconnect)",
        ));
    }
    let name = instrument.info.name.clone();
    core.publish(Event::Connecting { instrument: name });
    match open(core, instrument).await {
        Ok(connection) => Ok(connection),
        Err(failure) => {
            core.publish(Event::Disconnected {
                reason: Some(failure.to_string()),
            });
            core.notice(
                Notice::new(Severity::Error, "could not connect")
                    .detail(failure.title.clone())
                    .hint(failure.hint.clone()),
            );
            Err(failure)
        }
    }
}

async fn open(core: &Arc<Core>, instrument: Instrument) -> Result<Connection, Failure> {
    let row = drivers::find(&instrument.driver).ok_or_else(|| {
        let known: Vec<&str> = drivers::DRIVERS.iter().map(|d| d.name).collect();
        Failure::new(
            ErrorKind::Unsupported,
            format!(
                "there is no driver `{}` in this fibdeck; nothing was opened",
                model::text::printable(&instrument.driver)
            ),
            format!("known drivers: {}; `--demo` opens the digital twin", known.join(", ")),
        )
    })?;
    let instrument = Arc::new(instrument);
    // building the twin's scene or reaching a real instrument takes a moment: off the engine's thread
    let (builder, config) = (core.clone(), instrument.clone());
    let microscope = tokio::task::spawn_blocking(move || {
        let world = row.inside.then(|| builder.world(&config)).transpose()?;
        let opening = Opening {
            instrument: (*config).clone(),
            clock: builder.clock.clone(),
            world,
        };
        (row.open)(&opening).map_err(Failure::from)
    })
    .await
    .map_err(|_| {
        Failure::new(
            ErrorKind::Other,
            "the driver failed inside while it opened the instrument",
            "see the log",
        )
    })??;
    let scope = Scope::new(
        microscope,
        instrument.limits,
        core.clock.clone(),
        Arc::new(Record(Arc::downgrade(core))),
    );
    let comparison = workflow::configuration::compare(&scope, &instrument).await;
    let connection = Connection {
        identity: scope.identity().clone(),
        capabilities: scope.capabilities().clone(),
        geometry: *scope.geometry(),
        address: address(&instrument),
        comparison: comparison
            .into_iter()
            .map(|c| Compared {
                key: c.key,
                configured: c.configured,
                actual: c.actual,
                same: c.same,
            })
            .collect(),
        milling: milling(core, &instrument),
        rates: scope.milling_rates().await.unwrap_or_default(),
    };
    *lock(&core.connected) = Some(Connected { scope, instrument });
    lock(&core.touched).all();
    core.publish(Event::Connected(Box::new(connection.clone())));
    watch::look_now(core).await;
    recover::look(core).await;
    Ok(connection)
}

/// The beam of new milling stages, as configured; what makes no sense is said and left out.
fn milling(core: &Core, instrument: &Instrument) -> MillingSettings {
    let configured = serde_json::Value::Object(instrument.milling.clone());
    match pattern::milling_settings(&configured) {
        Ok((settings, notes)) => {
            for note in notes {
                core.notice(Notice::new(
                    Severity::Warning,
                    format!("the configured milling settings: {note}"),
                ));
            }
            settings
        }
        Err(error) => {
            let notice = Notice::new(
                Severity::Warning,
                format!("the configured milling settings were not used: {error}"),
            );
            core.notice(
                notice.hint("correct `milling:` in the instrument's file; new stages start with openFIBSEM's defaults"),
            );
            MillingSettings::default()
        }
    }
}

fn address(instrument: &Instrument) -> String {
    match instrument.info.port {
        Some(port) => format!("{}:{port}", instrument.info.ip_address),
        None => instrument.info.ip_address.clone(),
    }
}

/// Leaves the instrument as it is, but for gas that flows; ends live views first. Refused while a job runs.
pub(crate) async fn disconnect(core: &Arc<Core>) -> Result<(), Failure> {
    if let Some((_, title)) = core.lanes.running() {
        return Err(Failure::new(
            ErrorKind::Busy,
            format!("busy with {title}; still connected"),
            "stop it first (job.stop)",
        ));
    }
    core.connected()?;
    super::live::end_all(core).await;
    super::gas::close(core, "system.disconnect").await;
    *lock(&core.connected) = None;
    core.publish(Event::Disconnected { reason: None });
    Ok(())
}

impl Core {
    /// The twin's world: made once for its configuration, found again by every later connection.
    fn world(&self, instrument: &Instrument) -> Result<Arc<hal::sim::World>, Failure> {
        let mut world = lock(&self.world);
        if let Some(world) = world.as_ref() {
            return Ok(world.clone());
        }
        let made = match instrument.driver.as_str() {
            "replay" => self.playing(instrument)?,
            _ => hal::sim::World::new(instrument, self.clock.clone()),
        };
        if let Some(name) = &self.options.faults {
            made.set_faults(hal::sim::Faults::find(name)?);
        }
        self.new_world.store(true, Ordering::SeqCst);
        *world = Some(made.clone());
        Ok(made)
    }
}

/// Real time runs by itself; on a virtual clock a wait is what makes it pass.
pub(crate) async fn wait(core: &Core, seconds: f64) {
    let wall = match core.options.speed {
        Speed::Real(factor) => seconds / factor,
        Speed::Virtual => seconds,
    };
    tokio::time::sleep(std::time::Duration::from_secs_f64(wall.clamp(0.0, 1e7))).await;
}

/// Whether the instrument of a driver of this name lives in the engine's own process.
pub fn lives_inside(driver: &str) -> bool {
    drivers::find(driver).is_some_and(|row| row.inside)
}

/// What the driver of this name has been run on so far; `None` where this program has no such driver.
pub fn driver_tried(name: &str) -> Option<&'static str> {
    drivers::find(name).map(|row| row.tried)
}
