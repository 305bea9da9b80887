//! The twin's gas injection and sputter coater: injectors that travel, crucibles that warm, valves, and what flows.
//!
//! `port`: one injector. `ports`: which injectors an instrument has and how their gases spread. Functions of the clock: a crucible's temperature, an
//! injector's way. What grows on the sample is worked out from the [`Flow`]s by whoever looks at it.

mod port;
pub mod ports;

pub use port::Port;

use super::collision::{self, Probe};
use crate::HalError;
use model::capabilities::GasCapabilities;
use model::{ErrorKind, GasState, SputterStep, text};
use port::{COLD, Crucible, HOT, Travel};
use ports::Gas;

/// Seconds an injector travels, and the coater takes to prepare and to recover.
const TRAVEL: f64 = 4.0;
const PREPARE: f64 = 30.0;
const RECOVER: f64 = 20.0;

/// Gas that flowed, or metal that was sputtered, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub gas: &'static Gas,
    /// Where the injector stood; none for the coater.
    pub position: Option<String>,
    /// Clock seconds.
    pub start: f64,
    pub end: f64,
}

#[derive(Clone, Debug)]
struct Coating {
    ticket: u64,
    step: SputterStep,
    start: f64,
    /// When it is finished, and when that is told.
    reached: f64,
    end: f64,
}

#[derive(Clone, Debug)]
pub struct GasSim {
    pub ports: Vec<Port>,
    coating: Option<Coating>,
    ready: bool,
    /// Clock time up to which what flowed was handed out.
    told: f64,
}

impl GasSim {
    pub fn new(capabilities: Option<&GasCapabilities>) -> GasSim {
        let port = |p: &model::capabilities::GasPortCapabilities| Port {
            name: p.port.clone(),
            gases: p.gases.clone(),
            positions: p.positions.clone(),
            place: 0.0,
            position: None,
            gas: None,
            heater: false,
            crucible: Crucible {
                from: COLD,
                to: COLD,
                since: 0.0,
            },
            open: false,
            motion: None,
        };
        GasSim {
            ports: capabilities.map_or(Vec::new(), |c| c.ports.iter().map(port).collect()),
            coating: None,
            ready: false,
            told: 0.0,
        }
    }

    pub fn read(&self, t: f64) -> GasState {
        GasState {
            ports: self.ports.iter().map(|port| port.read(t)).collect(),
            sputtering: self
                .coating
                .as_ref()
                .filter(|c| matches!(c.step, SputterStep::Run { .. }))
                .map(|c| (c.reached - t).max(0.0)),
            sputter_ready: self.ready,
        }
    }

    fn port(&mut self, name: &str) -> Result<&mut Port, HalError> {
        let names: Vec<&str> = self.ports.iter().map(|p| p.name.as_str()).collect();
        let unknown = HalError::new(
            ErrorKind::OutOfRange,
            format!("there is no gas port `{}`; nothing was sent", text::printable(name)),
            format!("one of: {}", names.join(", ")),
        );
        self.ports.iter_mut().find(|p| p.name == name).ok_or(unknown)
    }

    /// Drives an injector in (`position`: one of its positions, the first where none is named) or out.
    pub fn travel(
        &mut self,
        ticket: u64,
        name: &str,
        inward: Option<Option<&str>>,
        late: f64,
        t: f64,
        strike: impl Fn(&Probe) -> Option<&'static str>,
    ) -> Result<(), HalError> {
        let seat = self.ports.iter().position(|p| p.name == name).unwrap_or(0);
        let port = self.port(name)?;
        if port.motion.is_some() {
            return Err(HalError::new(
                ErrorKind::Busy,
                "the injector moves already; nothing was sent",
                "wait for its end, or stop it",
            ));
        }
        let (from, to) = (port.place, f64::from(inward.is_some()));
        match inward {
            Some(_) if from > 0.0 => {
                return Err(HalError::new(
                    ErrorKind::Interlock,
                    format!("port {name} is inserted already; nothing moved"),
                    "retract it first",
                ));
            }
            Some(position) => {
                let position = position.map(str::to_owned).or_else(|| port.positions.first().cloned());
                if let Some(position) = &position
                    && !port.positions.contains(position)
                {
                    return Err(HalError::new(
                        ErrorKind::OutOfRange,
                        format!(
                            "port {name} has no position `{}`; nothing moved",
                            text::printable(position)
                        ),
                        format!("one of: {}", port.positions.join(", ")),
                    ));
                }
                port.position = position;
            }
            // the valve of an injector on its way out shuts
            None => port.open = false,
        }
        let reached = t + TRAVEL * (to - from).abs();
        let far = ports::distance(port.position.as_deref());
        let strike = collision::first_on(|share| strike(&ports::probe(seat, far, from + (to - from) * share)))
            .map(|(share, with)| (t + (reached - t) * share, with));
        port.motion = Some(Travel {
            ticket,
            from,
            to,
            start: t,
            reached,
            end: reached + late,
            strike,
        });
        Ok(())
    }

    /// The injectors that are in, wholly or in part, as bodies.
    pub fn probes(&self, t: f64) -> Vec<Probe> {
        let ports = self.ports.iter().enumerate();
        ports
            .filter(|(_, port)| port.motion.is_some() || port.place > 0.0)
            .map(|(seat, port)| ports::probe(seat, ports::distance(port.position.as_deref()), port.inward(t)))
            .collect()
    }

    pub fn heat(&mut self, name: &str, gas: Option<&str>, on: bool, t: f64) -> Result<(), HalError> {
        let port = self.port(name)?;
        if let Some(gas) = gas
            && !port.gases.iter().any(|g| g == gas)
        {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                format!("port {name} has no gas `{}`; nothing was heated", text::printable(gas)),
                format!("one of: {}", port.gases.join(", ")),
            ));
        }
        if on {
            let gas = gas.map(str::to_owned).or_else(|| port.gases.first().cloned());
            if port.gas != gas {
                // another crucible, which is as cold as the room
                port.crucible = Crucible {
                    from: COLD,
                    to: COLD,
                    since: t,
                };
                port.open = false;
            }
            port.gas = gas;
        }
        port.heater = on;
        port.crucible = Crucible {
            from: port.crucible.temperature(t),
            to: if on { HOT } else { COLD },
            since: t,
        };
        Ok(())
    }

    /// Opens or shuts a valve; what flowed until now must have been taken.
    pub fn valve(&mut self, name: &str, open: bool) -> Result<(), HalError> {
        let port = self.port(name)?;
        let there = port.motion.is_none() && port.place >= 1.0;
        if open && !there {
            return Err(HalError::new(
                ErrorKind::Interlock,
                format!("port {name} is not inserted; its valve stays closed"),
                "insert it first",
            ));
        }
        port.open = open;
        Ok(())
    }

    pub fn coat(&mut self, ticket: u64, step: SputterStep, late: f64, t: f64) -> Result<(), HalError> {
        if self.coating.is_some() {
            return Err(HalError::new(
                ErrorKind::Busy,
                "the sputter coater is busy; nothing was sent",
                "wait for its end, or stop it",
            ));
        }
        let time = match step {
            SputterStep::Prepare => PREPARE,
            SputterStep::Recover => RECOVER,
            SputterStep::Run { seconds } if self.ready && seconds > 0.0 && seconds.is_finite() => seconds,
            SputterStep::Run { .. } => {
                return Err(HalError::new(
                    ErrorKind::Interlock,
                    "the sputter coater is not prepared, or the time is none; nothing was coated",
                    "prepare it first, and give seconds above zero",
                ));
            }
        };
        self.coating = Some(Coating {
            ticket,
            step,
            start: t,
            reached: t + time,
            end: t + time + late,
        });
        Ok(())
    }

    /// Start and end of what a ticket began.
    pub fn under_way(&self, ticket: u64) -> Option<(f64, f64)> {
        let travels = self.ports.iter().filter_map(|p| p.motion.as_ref());
        let travel = travels.filter(|m| m.ticket == ticket).map(|m| (m.start, m.end)).next();
        travel.or_else(|| {
            let coating = self.coating.as_ref().filter(|c| c.ticket == ticket)?;
            Some((coating.start, coating.end))
        })
    }

    /// Whether something comes to its end by `t`.
    pub fn is_due(&self, t: f64) -> bool {
        let travels = self.ports.iter().filter_map(|p| p.motion.as_ref());
        travels
            .map(|m| m.end)
            .chain(self.coating.as_ref().map(|c| c.end))
            .any(|end| t >= end)
    }

    /// Ends what has come to its end by `t`; returns the tickets, and what an injector ran into.
    pub fn settle(&mut self, t: f64) -> Vec<(u64, Option<&'static str>)> {
        let mut ended = Vec::new();
        for port in &mut self.ports {
            let struck = port.motion.as_ref().and_then(|m| m.strike).filter(|(at, _)| *at <= t);
            if let Some((at, with)) = struck {
                port.place = port.inward(at);
                ended.extend(port.motion.take().map(|m| (m.ticket, Some(with))));
            }
            if let Some(travel) = port.motion.take_if(|m| t >= m.end) {
                port.place = travel.to;
                if travel.to == 0.0 {
                    port.position = None;
                }
                ended.push((travel.ticket, None));
            }
        }
        if let Some(coating) = self.coating.take_if(|c| t >= c.end) {
            match coating.step {
                SputterStep::Prepare => self.ready = true,
                SputterStep::Recover => self.ready = false,
                SputterStep::Run { .. } => {}
            }
            ended.push((coating.ticket, None));
        }
        ended
    }

    /// Shuts every valve.
    pub fn shut(&mut self) {
        self.ports.iter_mut().for_each(|port| port.open = false);
    }

    /// Valves shut, injectors where they are, the coater off; returns the tickets. Heaters stay as they are: they harm nothing.
    pub fn halt(&mut self, t: f64) -> Vec<u64> {
        self.shut();
        let mut ended = Vec::new();
        for port in &mut self.ports {
            let place = port.inward(t);
            if let Some(travel) = port.motion.take() {
                port.place = place;
                ended.push(travel.ticket);
            }
        }
        ended.extend(self.coating.take().map(|c| c.ticket));
        ended
    }

    /// Breaks off what one ticket began.
    pub fn cancel(&mut self, ticket: u64, t: f64) -> bool {
        for port in &mut self.ports {
            let place = port.inward(t);
            if port.motion.take_if(|m| m.ticket == ticket).is_some() {
                port.place = place;
                return true;
            }
        }
        self.coating.take_if(|c| c.ticket == ticket).is_some()
    }

    /// Whether a gas flows onto the sample that a beam makes a deposit of.
    pub fn is_flowing(&self) -> bool {
        self.ports.iter().any(|port| port.open)
    }

    /// What flowed since it was last asked for, up to `t`.
    pub fn take_flows(&mut self, t: f64) -> Vec<Flow> {
        let start = self.told;
        if t <= start {
            return Vec::new();
        }
        self.told = t;
        let mut flows: Vec<Flow> = self
            .ports
            .iter()
            .filter(|port| port.open)
            .filter_map(|port| {
                let gas = ports::gas(port.gas.as_deref().or(port.gases.first().map(String::as_str))?)?;
                Some(Flow {
                    gas,
                    position: port.position.clone(),
                    start,
                    end: t,
                })
            })
            .collect();
        if let Some(coating) = &self.coating
            && matches!(coating.step, SputterStep::Run { .. })
        {
            let (start, end) = (start.max(coating.start), t.min(coating.reached));
            if end > start {
                flows.push(Flow {
                    gas: &ports::SPUTTERED,
                    position: None,
                    start,
                    end,
                });
            }
        }
        flows
    }
}

#[cfg(test)]
mod tests;
