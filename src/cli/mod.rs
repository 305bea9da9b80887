//! The command line: one file per subcommand; the contract of options, output and exit codes is kept here and in `exit`.
//!
//! stdout carries data, stderr messages. Nothing here touches an instrument but through an engine's link. To add a
//! subcommand: a file, a variant of [`Verb`], its line in [`dispatch`].

mod acquire;
mod align;
mod attach;
mod bench;
mod combine;
mod command;
mod config;
mod console;
mod daemon;
mod dataset;
mod detect;
mod doctor;
mod evaluate;
mod exit;
mod experiment;
mod generate;
mod interrupt;
mod journal;
mod label;
mod lean;
mod log;
mod model;
mod mosaic;
mod news;
mod options;
mod output;
mod pattern;
mod protocol;
mod run;
mod serve;
mod session;
mod show;
mod token;
mod train;
mod watchdog;

use clap::{Parser, Subcommand};
use exit::Exit;
use options::Globals;
use std::process::ExitCode;

/// A keyboard-driven console for FIB-SEM microscopes, with a digital twin.
///
/// Without a command it opens the console: on the digital twin until an instrument is configured.
#[derive(Parser)]
#[command(name = "fibdeck", version, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Option<Verb>,
}

const EXAMPLES: &str = "Examples:
  fibdeck                                        the console on the digital twin
  fibdeck acquire --demo --beam both -o pictures   two pictures as TIFF
  fibdeck do --demo stage.stable-move dx=10um      one command
  fibdeck script --demo --speed max run.txt        a file of commands, in virtual time
  fibdeck attach ssh://microscope-pc               the console on another machine's daemon

Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a limit, an interlock or a doubtful measurement, 4 not authorised,
5 busy or control held by another, 6 connection, 7 an operator's answer is needed, 8 partly done, 130 interrupted.";

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Token(token::Token),
    Attach(attach::Attach),
    #[command(hide = true)]
    Relay(attach::Relay),
    Script(command::Script),
    Do(command::Do),
    Acquire(acquire::Acquire),
    Show(show::Show),
    Combine(combine::Combine),
    Mosaic(mosaic::Mosaic),
    Status(command::Status),
    Tail(news::Tail),
    Stop(news::Stop),
    Answer(news::Answer),
    Truth(command::Truth),
    Align(align::Align),
    Detect(detect::Detect),
    Segment(detect::Segment),
    Objects(detect::Objects),
    Model(model::Models),
    Dataset(dataset::Datasets),
    Label(label::Label),
    Train(train::Train),
    Evaluate(evaluate::Evaluate),
    #[command(hide = true)]
    Watchdog(watchdog::Watchdog),
    Journal(journal::Journal),
    Replay(journal::Play),
    Pattern(pattern::Pattern),
    Experiment(experiment::Experiments),
    Protocol(protocol::Protocols),
    Run(run::Run),
    Bench(bench::Bench),
    Log(log::Log),
    Doctor(doctor::Doctor),
    Config(config::Config),
    Completions(generate::Completions),
    Man(generate::Man),
}

pub fn main() -> ExitCode {
    // a panic report with its place; the console restores the terminal before it
    if let Err(error) = color_eyre::install() {
        eprintln!("fibdeck: {error}");
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are data and no error
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return code.into();
        }
    };
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !error.text.is_empty() {
                eprintln!("fibdeck: {error}");
            }
            error.exit.into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit, exit::CliError> {
    let globals = cli.globals;
    let Some(verb) = cli.verb else {
        return console::run(globals);
    };
    // the console's own go to its Log tab
    if !matches!(verb, Verb::Attach(_) | Verb::Replay(_) | Verb::Label(_)) {
        options::log_to_stderr(&globals);
    }
    match verb {
        Verb::Serve(serve) => serve.run(&globals),
        Verb::Token(token) => token.run(&globals),
        Verb::Attach(attach) => attach.run(&globals),
        Verb::Relay(relay) => relay.run(&globals),
        Verb::Script(script) => script.run(&globals),
        Verb::Do(command) => command.run(&globals),
        Verb::Acquire(acquire) => acquire.run(&globals),
        Verb::Show(show) => show.run(&globals),
        Verb::Combine(combine) => combine.run(&globals),
        Verb::Mosaic(mosaic) => mosaic.run(&globals),
        Verb::Status(status) => status.run(&globals),
        Verb::Tail(tail) => tail.run(&globals),
        Verb::Stop(stop) => stop.run(&globals),
        Verb::Answer(answer) => answer.run(&globals),
        Verb::Truth(truth) => truth.run(&globals),
        Verb::Watchdog(watchdog) => watchdog.run(),
        Verb::Journal(journal) => journal.run(&globals),
        Verb::Replay(play) => play.run(&globals),
        Verb::Align(align) => align.run(&globals),
        Verb::Detect(detect) => detect.run(&globals),
        Verb::Segment(segment) => segment.run(&globals),
        Verb::Objects(objects) => objects.run(&globals),
        Verb::Model(models) => models.run(&globals),
        Verb::Dataset(datasets) => datasets.run(&globals),
        Verb::Label(label) => label.run(&globals),
        Verb::Train(train) => train.run(&globals),
        Verb::Evaluate(evaluate) => evaluate.run(&globals),
        Verb::Pattern(pattern) => pattern.run(&globals),
        Verb::Experiment(experiments) => experiments.run(&globals),
        Verb::Protocol(protocols) => protocols.run(&globals),
        Verb::Run(run) => run.run(&globals),
        Verb::Bench(bench) => bench.run(&globals),
        Verb::Log(log) => log.run(&globals),
        Verb::Doctor(doctor) => doctor.run(&globals),
        Verb::Config(config) => config.run(&globals),
        Verb::Completions(completions) => completions.run(),
        Verb::Man(man) => man.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_parser_is_sound_and_every_command_has_help() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
        }
    }
}
