//! Injectors over the bridge: in, warm, open, out. Which there are it says once, how they stand with everything else.

use super::Rest;
use super::bridge::unread;
use super::wire::Wait;
use super::work::What;
use crate::{Gas, HalError, Reading, Ticket};
use model::{ErrorKind, GasState, SputterStep};
use serde_json::json;

impl Rest {
    fn port(&self, name: &str) -> Result<(), HalError> {
        let ports = self.system.capabilities.gas.iter().flat_map(|gas| &gas.ports);
        let names: Vec<&str> = ports.map(|port| port.port.as_str()).collect();
        if names.contains(&name) {
            return Ok(());
        }
        Err(HalError::new(
            ErrorKind::OutOfRange,
            format!(
                "there is no gas port `{}`; nothing was sent",
                model::text::printable(name)
            ),
            format!("one of: {}", names.join(", ")),
        ))
    }

    fn tell_gas(&mut self, path: &str, body: &serde_json::Value) -> Result<(), HalError> {
        self.changed();
        let told = self.wire.tell(path, body, Wait::Slow);
        self.changed();
        told.map(drop)
    }
}

impl Gas for Rest {
    fn read(&mut self) -> Result<Reading<GasState>, HalError> {
        self.settle();
        let state = self.state()?;
        Ok(Reading {
            value: state.value.gas.ok_or_else(|| unread("gas"))?,
            age: state.age,
        })
    }

    fn begin_insert(&mut self, port: &str, position: Option<&str>) -> Result<Ticket, HalError> {
        self.port(port)?;
        if Gas::read(self)?.value.port(port).is_some_and(|p| p.inserted) {
            return Err(HalError::new(
                ErrorKind::Interlock,
                format!("port {port} is inserted already; nothing moved"),
                "retract it first (gis.retract)",
            ));
        }
        let body = json!({ "port": port, "position": position });
        self.order(What::Injector, "/bridge/gas/insert", body)
    }

    fn begin_retract(&mut self, port: &str) -> Result<Ticket, HalError> {
        self.port(port)?;
        self.order(What::Injector, "/bridge/gas/retract", json!({ "port": port }))
    }

    fn heat(&mut self, port: &str, gas: Option<&str>, on: bool) -> Result<(), HalError> {
        self.port(port)?;
        let body = json!({ "port": port, "gas": gas, "on": on });
        self.tell_gas("/bridge/gas/heat", &body)
    }

    fn valve(&mut self, port: &str, open: bool) -> Result<(), HalError> {
        self.port(port)?;
        self.tell_gas("/bridge/gas/valve", &json!({ "port": port, "open": open }))
    }

    fn begin_sputter(&mut self, _step: SputterStep) -> Result<Ticket, HalError> {
        Err(HalError::unsupported("sputter coater"))
    }
}
