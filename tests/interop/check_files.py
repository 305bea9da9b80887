"""Check with the real openFIBSEM package that the files fibdeck wrote hold what fibdeck meant.

    python check_files.py DIR

DIR holds `manifest*.json`, written by fibdeck's tests `interop_writes*`: lists of {"kind", "file", ...}.
"""

import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import tifffile
import yaml

from fibsem.applications.autolamella.structures import AutoLamellaTaskProtocol, Experiment
from fibsem.structures import FibsemImage, FibsemStagePosition, MicroscopeState, SystemSettings
from fibsem.utils import load_microscope_configuration, load_yaml


SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def same(a, b) -> bool:
    """Equal to the last bit, but 1 == 1.0 and NaN == NaN."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) in (int, float) and type(b) in (int, float) and a == b or type(a) is type(b) and a == b


def picture(path: Path, entry: dict) -> None:
    image = FibsemImage.load(str(path))
    assert image.data.dtype == np.dtype(f"uint{entry['bits']}"), image.data.dtype
    assert list(image.data.shape) == entry["shape"], image.data.shape
    pixels = np.ascontiguousarray(image.data.astype(image.data.dtype.newbyteorder("<")))
    assert zlib.crc32(pixels.tobytes()) == entry["crc32"], "pixels differ"
    with tifffile.TiffFile(path) as tiff:
        assert not tiff.is_bigtiff and tiff.byteorder == "<" and len(tiff.pages) == 1
        page = tiff.pages[0]
        assert page.compression == 1 and len(page.dataoffsets) == 1, "one uncompressed strip"
        if entry["metadata"] is None:
            assert image.metadata is None and not page.description, page.description
            return
        assert page.description.isascii() and page.description.startswith('{"shape":'), page.description[:40]
    assert image.metadata is not None, "the package could not read the metadata"
    read, meant = image.metadata.to_dict(), entry["metadata"]
    meant["experiment"].pop("project", None)  # ours
    if read["hardware_geometry"] == {}:
        meant["hardware_geometry"] = {}
    for key in meant:
        assert same(read[key], meant[key]), f"{key}: {read[key]} is not {meant[key]}"


def values(path: Path, entry: dict) -> None:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert same(read, entry["value"]), f"{read} is not {entry['value']}"


def instrument(path: Path, entry: dict) -> None:
    values(path, entry)
    settings = load_microscope_configuration(str(path))
    system: SystemSettings = settings.system
    meant = entry["value"]
    assert system.info.name == meant["info"]["name"] and system.info.manufacturer == meant["info"]["manufacturer"]
    assert system.stage.shuttle_pre_tilt == meant["stage"]["shuttle_pre_tilt"]
    for ours, theirs in (("electron", system.electron), ("ion", system.ion)):
        assert theirs.eucentric_height == meant[ours]["eucentric_height"]
        assert theirs.beam.beam_current == meant[ours]["current"]
        assert theirs.detector.type == meant[ours]["detector_type"], theirs.detector


def positions(path: Path, entry: dict) -> None:
    read = [FibsemStagePosition.from_dict(item).to_dict() for item in load_yaml(str(path))]
    assert same(read, entry["value"]), read
    assert path.read_text().replace('"', "'") == yaml.safe_dump(read, indent=4), "laid out differently"


def state(path: Path, entry: dict) -> None:
    text = path.read_text()
    data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    read = MicroscopeState.from_dict(data).to_dict()
    assert same(read, entry["value"]), f"{read} is not {entry['value']}"


def protocol(path: Path, entry: dict) -> None:
    read = AutoLamellaTaskProtocol.load(str(path))
    assert list(read.task_config) == entry["tasks"], list(read.task_config)
    assert read.workflow_config.workflow == entry["workflow"], read.workflow_config.workflow
    for name, task in read.task_config.items():
        assert len(task.milling) == entry["milling"][name], name
    if "sample" in entry:  # ours says what the original's own says
        theirs = AutoLamellaTaskProtocol.load(str(SAMPLES / "protocols" / entry["sample"]))
        assert same(read.to_dict(), theirs.to_dict()), "not what it was made of"


def experiment(path: Path, entry: dict) -> None:
    read = Experiment.load(str(path))
    assert [lamella.name for lamella in read.positions] == entry["lamellae"], read.positions
    assert Path(read.positions[0].path) == path.parent / entry["lamellae"][0], read.positions[0].path
    assert read.task_protocol is not None and read.task_protocol.workflow_config.tasks, "no protocol"
    first = read.positions[0]
    assert first.milling_pose.stage_position.x is not None and first.task_config, "no pose or no tasks"
    if "defect" in entry:
        assert first.defect.state.name == entry["defect"] and len(first.task_history) == entry["history"]
    if "sample" in entry:  # ours says what the original's own says
        theirs = Experiment.load(str(SAMPLES / entry["sample"] / path.name))
        for lamella in theirs.positions:
            lamella.relocate(str(path.parent))
        ours, meant = read.to_dict(), theirs.to_dict()
        ours["path"] = meant["path"] = None
        assert same(json.loads(json.dumps(ours, default=str)), json.loads(json.dumps(meant, default=str))), "not what it was made of"


CHECKS = {"experiment": experiment, "protocol": protocol, "picture": picture, "values": values, "instrument": instrument, "positions": positions, "state": state}


def main(folder: Path) -> int:
    manifest = [entry for file in sorted(folder.glob("manifest*.json")) for entry in json.loads(file.read_text(encoding="utf-8"))]
    failed = 0
    for entry in manifest:
        try:
            CHECKS[entry["kind"]](folder / entry["file"], entry)
        except Exception as problem:  # every file gets its verdict
            failed += 1
            print(f"FAILED {entry['file']}: {type(problem).__name__}: {problem}")
        else:
            print(f"ok     {entry['file']}")
    print(f"{len(manifest) - failed} of {len(manifest)} files read by openFIBSEM as they were meant")
    return 1 if failed or not manifest else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
