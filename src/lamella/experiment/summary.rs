//! Tables of an experiment, with openFIBSEM's columns: `experiment.csv`, `workflow.csv`, `task_history.csv`.

use super::{Experiment, Lamella, TaskState};
use crate::protocol::Workflow;
use crate::table::Table;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// `12:58AM` in this zone.
fn at(timestamp: Option<f64>, zone: &TimeZone) -> String {
    let moment = timestamp.and_then(|t| Timestamp::from_microsecond((t * 1e6) as i64).ok());
    match moment {
        None => "in progress".to_owned(),
        Some(moment) => moment.to_zoned(zone.clone()).strftime("%I:%M%p").to_string(),
    }
}

/// The pairs of an object, in their order.
fn row(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl Experiment {
    /// A row for each lamella.
    pub fn summary_table(&self, workflow: &Workflow, zone: &TimeZone) -> Table {
        let mut table = Table::default();
        for lamella in &self.lamellae {
            let last = lamella.completed(None);
            let time = last.map(|task| at(task.end_timestamp, zone));
            let mut record = row(json!({
                "experiment_name": self.name, "experiment_path": self.folder(), "experiment_created_at": self.created_at,
                "experiment_id": self.id, "lamella_name": lamella.name, "lamella_id": lamella.id,
                "last_completed": last.zip(time.as_ref()).map(|(task, time)| format!("{} ({time})", task.name)),
                "last_completed_task": last.map(|task| &task.name), "last_completed_at": time,
                "is_completed": lamella.remaining(workflow).is_empty(), "is_failure": lamella.has_failed(),
                "milling_angle": lamella.milling_angle,
            }));
            gaps(&mut table, &mut record);
        }
        table
    }

    /// A row for each run of a task.
    pub fn history_table(&self, zone: &TimeZone) -> Table {
        let mut table = Table::default();
        let runs = self
            .lamellae
            .iter()
            .flat_map(|lamella| lamella.history.iter().map(move |task| (lamella, task)));
        for (lamella, task) in runs {
            gaps(&mut table, &mut history_row(lamella, task, zone));
        }
        table
    }
}

fn history_row(lamella: &Lamella, task: &TaskState, zone: &TimeZone) -> Map<String, Value> {
    row(json!({
        "lamella_name": lamella.name, "lamella_id": task.lamella_id, "task_name": task.name, "task_id": task.task_id,
        "task_type": task.task_type, "task_status": task.status, "task_status_message": task.status_message,
        "start_timestamp": task.start_timestamp, "end_timestamp": task.end_timestamp,
        "completed_at": at(task.end_timestamp, zone), "duration": task.duration(),
    }))
}

/// Adds a row in which null is a gap, as in these tables; the columns are all there.
fn gaps(table: &mut Table, record: &mut Map<String, Value>) {
    if table.columns().is_empty() {
        *table = Table::new(&record.keys().map(String::as_str).collect::<Vec<_>>());
    }
    record.retain(|_, value| !value.is_null());
    table.push(record);
}

impl Workflow {
    /// A row for each task in its order.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&["order", "task_name", "required", "supervised"]);
        for (n, step) in self.tasks.iter().enumerate() {
            let record = json!({ "order": n + 1, "task_name": step.name, "required": step.required, "supervised": step.supervise });
            table.push(&row(record));
        }
        table
    }
}
