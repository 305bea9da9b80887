"""Write files with the real openFIBSEM package, for fibdeck to read.

    python make_files.py DIR

DIR gets pictures, YAML and positions, and `made.json`, which says what each holds.  The small pictures in
tests/samples were made by this script.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
import tifffile
import yaml

from fibsem.structures import (
    BeamSettings,
    BeamType,
    FibsemDetectorSettings,
    FibsemExperimentRef,
    FibsemHardwareGeometry,
    FibsemImage,
    FibsemImageMetadata,
    FibsemRectangle,
    FibsemStagePosition,
    FibsemUser,
    ImageSettings,
    MicroscopeState,
    Point,
    SystemInfo,
)


def state(beam: BeamType) -> MicroscopeState:
    settings = BeamSettings(
        beam_type=beam,
        working_distance=16.5e-3,
        beam_current=20e-12,
        voltage=30e3,
        hfw=80e-6,
        resolution=[48, 32],
        dwell_time=1e-6,
        stigmation=Point(0.1, -0.2),
        shift=Point(1e-6, -2e-6),
        scan_rotation=0.1 + 0.2,
    )
    detector = FibsemDetectorSettings("ETD", "SecondaryElectrons", 0.25, 1 / 3)
    ion = beam is BeamType.ION
    return MicroscopeState(
        timestamp=1767225600.123456,
        stage_position=FibsemStagePosition(x=1e-3 / 3, y=-2e-4, z=4e-3, r=0.1, t=0.6108652381980153, coordinate_system="RAW"),
        electron_beam=None if ion else settings,
        ion_beam=settings if ion else None,
        electron_detector=None if ion else detector,
        ion_detector=detector if ion else None,
    )


def image(bits: int, beam: BeamType, area=None) -> FibsemImage:
    rng = np.random.default_rng(bits)
    shape = (32, 48) if area is None else (8, 24)
    pixels = rng.integers(0, 2**bits, shape, dtype=np.uint16).astype(f"uint{bits}")
    settings = ImageSettings(
        resolution=[48, 32], dwell_time=1e-6, hfw=80e-6, beam_type=beam, filename="glacier µ ☃", path="pictures",
        reduced_area=area, line_integration=2,
    )
    metadata = FibsemImageMetadata(
        image_settings=settings,
        pixel_size=Point(80e-6 / 48, 80e-6 / 48),
        microscope_state=state(beam),
        system_info=SystemInfo(
            name="bench", ip_address="localhost", manufacturer="Demo", model="m", serial_number="1",
            hardware_version="1", software_version="1", fibsem_version="0.5.3", application=None,
        ),
        hardware_geometry=FibsemHardwareGeometry(shuttle_pre_tilt=35.0),
        user=FibsemUser(name="Zoë", email="zoe@example.org", organization="Institute", hostname="scope-pc"),
        experiment=FibsemExperimentRef(id="e-1", name="winter", date=1767225600.0),
    )
    return FibsemImage(pixels, metadata)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = {"pictures": []}

    def record(name: str, pixels: np.ndarray, metadata) -> None:
        # Row after row, 16 bit as little-endian: the same bytes whatever the file's own order.
        crc = zlib.crc32(np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes())
        made["pictures"].append({
            "file": name, "bits": pixels.dtype.itemsize * 8, "size": [pixels.shape[1], pixels.shape[0]],
            "crc32": crc, "metadata": metadata,
        })

    pictures = {
        "sem-8bit": image(8, BeamType.ELECTRON),
        "fib-16bit": image(16, BeamType.ION),
        "fib-reduced": image(8, BeamType.ION, FibsemRectangle(0.25, 0.5, 0.5, 0.25)),
    }
    for name, picture in pictures.items():
        picture.save(str(folder / f"{name}.tif"))
        record(f"{name}.tif", picture.data, picture.metadata.to_dict())

    # The same pixels in every shape of TIFF that Python writes without further packages.
    rng = np.random.default_rng(7)
    small, deep = rng.integers(0, 256, (32, 48), dtype=np.uint8), rng.integers(0, 65536, (32, 48), dtype=np.uint16)
    text = json.dumps(pictures["fib-16bit"].metadata.to_dict())
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    ome = (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZTC" Type="uint16" SizeX="48" SizeY="32" SizeZ="1" SizeC="1" SizeT="1">'
        '<Channel ID="Channel:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image>'
        f'<StructuredAnnotations><MapAnnotation ID="Annotation:0"><Value><M K="fibsemOS">{escaped}</M></Value></MapAnnotation></StructuredAnnotations></OME>'
    )
    variants = {
        "no-metadata": (small, dict(metadata=None)),
        "big-endian": (deep, dict(byteorder=">", metadata=None)),
        "bigtiff": (deep, dict(bigtiff=True, metadata=None)),
        "tiled-deflate": (deep, dict(tile=(16, 16), compression="zlib", predictor=True, metadata=None)),
        "deflate": (small, dict(compression="zlib", metadata=None)),
        "many-strips": (small, dict(rowsperstrip=5, metadata=None)),
        "three-dims": (small[:, :, None], dict(metadata={"axes": "YXS"})),
        "ome": (deep, dict(description=ome.encode(), metadata=None)),
    }
    for name, (pixels, options) in variants.items():
        tifffile.imwrite(folder / f"{name}.tif", pixels, **options)
        metadata = json.loads(text) if name == "ome" else None
        record(f"{name}.tif", pixels[:, :, 0] if pixels.ndim == 3 else pixels, metadata)

    made["values"] = {
        "tiny": 2e-9, "third": 1 / 3, "big": 1.5e22, "whole": 3.0, "count": 3, "yes": "yes", "none": None, "on": True,
        "time": "12:30", "under": "1_000", "equals": "=", "date": "2026-11-22", "text": "a: b # c", "list": [1e-6, "off", None],
        "umlaut": "Größe ☃", "lines": "one\ntwo\n", "empty": "", "octal": "0644", "words": ["null", "~", "NaN", "1e5", "1.0e+5"],
    }
    (folder / "values.yaml").write_text(yaml.safe_dump(made["values"], indent=4, allow_unicode=False), encoding="utf-8")

    poses = [
        FibsemStagePosition(name="grid 01", x=1e-3 / 3, y=-2e-4, z=4e-3, r=0.0, t=0.6108652381980153, coordinate_system="RAW"),
        FibsemStagePosition(name="on", x=-5e-7, y=0.0, z=1e-12, r=None, t=None, coordinate_system="RAW"),
    ]
    made["positions"] = [pose.to_dict() for pose in poses]
    (folder / "saved-positions.yaml").write_text(yaml.safe_dump(made["positions"], indent=4), encoding="utf-8")
    (folder / "made.json").write_text(json.dumps(made, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
