"""Check with the real openFIBSEM package what `fibdeck` wrote while it worked.

    python check_work.py DIR

DIR is the folder that `.ci/run` worked in: a session's log, pictures, an instrument file, saved positions.
"""

import json
import sys
from pathlib import Path

from fibsem.applications.autolamella.structures import AutoLamellaTaskProtocol, AutoLamellaTaskStatus, Experiment
from fibsem.applications.autolamella.tools.data import parse_line, parse_msg
from fibsem.milling import FibsemMillingStage
from fibsem.structures import BeamType, FibsemImage, FibsemStagePosition
from fibsem.utils import load_microscope_configuration, load_yaml


WORK = Path(__file__).with_name("work.txt")


def none(value):
    """The parser leaves None, True and False as words."""
    words = {"None": None, "True": True, "False": False}
    if isinstance(value, dict):
        return {key: none(item) for key, item in value.items()}
    if isinstance(value, list):
        return [none(item) for item in value]
    return words.get(value, value) if isinstance(value, str) else value


def log(path: Path, folder: Path) -> None:
    """Every line is read by openFIBSEM's parser, every message by its JSON trick, and every act is there."""
    said = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        time, function, message = parse_line(line)
        assert time > 1.7e9 and function, f"line {number}: {line}"
        if message.startswith("{"):
            said.append(parse_msg(message))
    kinds = {entry["msg"] for entry in said}
    hands = {"setup_milling", "run_milling", "insert_manipulator", "retract_manipulator", "insert_gis", "retract_gis"}
    assert {"connect_to_microscope", "move_stage_absolute", "acquire_image", "set", *hands} <= kinds, kinds
    milled = [entry for entry in said if entry["msg"] == "milling_task"]
    stages = [FibsemMillingStage.from_dict(entry["stage"]) for entry in map(none, milled)]
    assert [(s.name, s.pattern.name, s.milling.milling_current) for s in stages] == [
        ("rough [1]", "Trench", 7.4e-10),
        ("polish", "Rectangle", 6.0e-11),
    ], stages
    assert all(0 < entry["end_time"] - entry["start_time"] < 3600 for entry in milled), milled
    moves = [entry["position"] for entry in said if entry["msg"] == "move_stage_absolute"]
    assert abs(moves[0]["x"] - 100e-6) < 1e-9 and abs(moves[0]["y"] + 50e-6) < 1e-9, moves[0]
    ends = [json.loads(line) for line in (folder / "script.jsonl").read_text().splitlines()]
    commands = [line for line in WORK.read_text().splitlines() if line and not line.startswith("#")]
    assert len(ends) == len(commands) and all(end["ok"] for end in ends), ends


def picture(path: Path, folder: Path) -> None:
    image = FibsemImage.load(str(path))
    assert image.metadata is not None, "no metadata"
    settings = image.metadata.image_settings
    beam = BeamType.ELECTRON if path.stem.endswith("_eb") else BeamType.ION
    assert settings.beam_type is beam, settings.beam_type
    area = settings.reduced_area
    width, height = settings.resolution
    if area is not None:
        width, height = round(width * area.width), round(height * area.height)
    assert image.data.shape == (height, width), (image.data.shape, settings)
    assert image.data.std() > 5, "nothing to see"
    assert abs(image.metadata.pixel_size.x - settings.hfw / settings.resolution[0]) < 1e-15
    state = image.metadata.microscope_state
    beam_state = state.ion_beam if beam is BeamType.ION else state.electron_beam
    assert state.stage_position.x is not None and beam_state.hfw == settings.hfw, (state.stage_position, beam_state)


def instrument(path: Path, folder: Path) -> None:
    settings = load_microscope_configuration(str(path))
    assert settings.system.info.name == "bench", settings.system.info
    assert settings.system.stage.shuttle_pre_tilt == 27, settings.system.stage


def positions(path: Path, folder: Path) -> None:
    (position,) = [FibsemStagePosition.from_dict(item) for item in load_yaml(str(path))]
    assert position.name == "grid's (1)" and abs(position.x) < 1e-2, position


def night(path: Path, folder: Path) -> None:
    """A run of ours is an experiment of theirs: its protocol, what was done to its lamella, the pictures that were taken of it."""
    experiment = Experiment.load(str(path))
    protocol = AutoLamellaTaskProtocol.load(str(path.with_name("protocol.yaml")))
    planned = list(protocol.task_config)
    (lamella,) = experiment.positions
    done = [state.name for state in lamella.task_history]
    assert set(done) == set(planned), (done, planned)
    assert all(state.status is AutoLamellaTaskStatus.Completed for state in lamella.task_history), lamella.task_history
    assert lamella.milling_pose.stage_position.x is not None and lamella.defect.state.name == "NONE", lamella.defect
    pictures = sorted(path.parent.glob(f"{lamella.name}/*.tif"))
    assert len(pictures) >= len(done), pictures
    for taken in pictures:
        assert FibsemImage.load(str(taken)).metadata is not None, taken


def main(folder: Path) -> int:
    work = [(log, p) for p in folder.glob("data/sessions/*/logfile.log")]
    work += [(picture, p) for p in sorted(folder.glob("pictures/*.tif"))]
    work += [(instrument, p) for p in [folder / "shown.yaml", *folder.glob("config/instruments/*.yaml")]]
    work += [(positions, p) for p in folder.glob("config/**/saved-positions.yaml")]
    work += [(night, p) for p in folder.glob("on-grid-*/experiment.yaml")]
    failed = 0
    for check, path in work:
        try:
            check(path, folder)
        except Exception as problem:  # every file gets its verdict
            failed += 1
            print(f"FAILED {path.relative_to(folder)}: {type(problem).__name__}: {problem}")
        else:
            print(f"ok     {path.relative_to(folder)}")
    kinds = {check for check, _ in work}
    missing = [check.__name__ for check in (log, picture, instrument, positions, night) if check not in kinds]
    failed += len(missing)
    total = len(work) + len(missing)
    print(f"{total - failed} of {total} files read by openFIBSEM as they were meant" + (f"; missing: {missing}" if missing else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
