#!/bin/sh
# Makes the model in the box anew: sh assets/models/make.sh FOLDER [PYTHON]
#
# FOLDER is new; PYTHON has PyTorch and segmentation-models-pytorch. `fibdeck` is the one on the path. 900 pictures of the twin, half an hour
# on two cores; the result is FOLDER/out/model-*.onnx with its card, held against pictures of other seeds in FOLDER/results-*.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir "$1" && cd "$1"
fibdeck dataset synth train -n 900 --seed 20261 --scenes grid,liftout,waffle,liftout,bulk --demo
# memory is kept between batches: given back and fetched again it costs as much as computing
MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456 \
    fibdeck train "$here/twin.train.yaml" --engine torch --python "${2:-python3}"
fibdeck dataset synth test -n 120 --seed 777001 --size 1536x1024 --demo
fibdeck dataset synth liftout -n 80 --seed 777002 --scenes liftout --size 1536x1024 --demo
model=$(ls out/*.onnx)
for set in test liftout; do
    printf 'data_path: %s/keypoints.csv\nimages_path: %s\nsave_path: results-%s\ncheckpoints: [{checkpoint: %s}, {checkpoint: classical}]\nthresholds: [50, 25, 10, 5]\n' \
        "$set" "$set" "$set" "$model" > "$set.yaml"
    fibdeck evaluate "$set.yaml"
done
